"""The gate: from what two models answered to a verdict and its reasons. No other part of the domain needs numpy."""
