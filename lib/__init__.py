"""Importing anything of this package first prepares jsii: Node found, AWS provider lazy."""

from lib.jsii_runtime import prepare

prepare()
