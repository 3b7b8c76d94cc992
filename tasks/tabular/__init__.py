"""Tables: columns of numbers and categories, from which a label or a number is learned with boosted trees."""
