"""The Raspberry Pi at the home or village: device bytes in, durable items out."""
