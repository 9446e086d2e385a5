package tokenizer

// GPT-2's alphabet spells any byte as one printable character, so that a vocabulary is text: printable Latin-1 bytes
// stand for themselves, the others for U+0100 onwards in ascending order.
var (
	alphabet     [256]string   // byte → its character, as UTF-8
	alphabetByte map[rune]byte // and back

	// alphabetOrder lists the bytes in the order of OpenAI's first 256 ids: printable ones first.
	alphabetOrder []byte
)

func init() {
	alphabetByte = make(map[rune]byte, 256)
	add := func(b int, r rune) {
		alphabet[b], alphabetByte[r] = string(r), byte(b)
		alphabetOrder = append(alphabetOrder, byte(b))
	}
	printable := func(b int) bool {
		return '!' <= b && b <= '~' || '¡' <= b && b <= '¬' || '®' <= b && b <= 'ÿ'
	}
	for b := range 256 {
		if printable(b) {
			add(b, rune(b))
		}
	}
	other := rune(0x100)
	for b := range 256 {
		if !printable(b) {
			add(b, other)
			other++
		}
	}
}
