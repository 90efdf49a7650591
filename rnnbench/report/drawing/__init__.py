"""How a figure is drawn: panels, axes, colours, and the data inside them. What is drawn stands in `figures`."""
