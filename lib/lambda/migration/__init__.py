"""What the Lambda functions share: data access, decisions and the errors they raise."""
