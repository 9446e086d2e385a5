package sha256

// Sum256 is the SHA-256 checksum of data.
func Sum256(data []byte) [Size]byte { return sum256(data) }
