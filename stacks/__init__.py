"""What is deployed: one CDK stack, made of settings. Nothing here runs in the cloud."""
