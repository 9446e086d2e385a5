package huffman

// decode decodes n times so many symbols of each stream as there are between two looks at it, at least once. The caller
// has made sure that there is room for them, and that no window comes to lie before its stream.
//
//go:noescape
func decode(s *state, n uint)
