"""What EventBridge and CloudFormation call beside the state machine."""
