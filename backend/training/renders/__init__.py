"""Rendered clips to train and measure the small video model on: open bodies and boxes that move before drawn backgrounds."""
