"""What a network reads and answers, for people: examples as words, symbols, pictures and curves."""
