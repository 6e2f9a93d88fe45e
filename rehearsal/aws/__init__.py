"""A simulated AWS account: moto's server in this process, with its gaps filled."""

from rehearsal.aws.server import SimulatedAws

__all__ = ["SimulatedAws"]
