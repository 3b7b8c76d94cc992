"""`mlops doctor`: what stands in the way of a deploy, and what is wrong with one that is there. It changes nothing."""
