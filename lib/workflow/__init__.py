"""The migration's state machine: its definition as pure Python, and the construct around it."""
