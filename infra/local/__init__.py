"""Local servers: the real Kafka, PostgreSQL and Triton on loopback, supervised."""
