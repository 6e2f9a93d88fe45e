"""The Lambda service's data plane: runs the zips that would be deployed."""
