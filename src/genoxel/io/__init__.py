"""Files in, nouns out, and back: one module per format; each checks what it reads before it is believed."""
