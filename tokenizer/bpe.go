package tokenizer

// gone stands for a symbol that was merged into the one on its left. No id reaches it (maxVocab).
const gone = ^uint32(0)

// mergeWord returns the ids of a word that is not empty.
//
// The reference repeats: find the pair of neighbours of the lowest rank, then merge every occurrence of it from left
// to right. Here the pairs wait in a heap, ordered by rank and then position. All entries of the lowest rank are
// taken out before any of them is merged: a vocabulary whose merges are not in the order in which training makes them
// could otherwise have a pair of a yet lower rank, born of the first occurrence, go before the second.
func (t *Tokenizer) mergeWord(word string) []uint32 {
	n := len(word)
	sym := make([]uint32, n)  // ids, or gone
	next := make([]uint32, n) // position of the right neighbour; n at the end
	prev := make([]uint32, n) // position of the left neighbour; meaningless at 0
	for i := range n {
		sym[i] = t.first[word[i]]
		next[i], prev[i] = uint32(i+1), uint32(i-1)
	}
	sym[n-1] = t.last[word[n-1]]

	var waiting pairHeap
	push := func(left uint32) {
		if right := next[left]; right < uint32(n) {
			if rank, ok := t.ranks[pairKey(sym[left], sym[right])]; ok {
				waiting.push(uint64(rank)<<32 | uint64(left))
			}
		}
	}
	for i := range n {
		push(uint32(i))
	}

	var batch []uint32 // positions of the pairs of the lowest rank, ascending
	for len(waiting) > 0 {
		rank := waiting[0] >> 32
		batch = batch[:0]
		for len(waiting) > 0 && waiting[0]>>32 == rank {
			batch = append(batch, uint32(waiting.pop()))
		}
		m := t.merges[rank]
		for _, left := range batch {
			right := next[left]
			if sym[left] != m.left || right >= uint32(n) || sym[right] != m.right {
				continue // an earlier merge took one of the two
			}
			sym[left], sym[right] = m.joined, gone
			next[left] = next[right]
			if next[left] < uint32(n) {
				prev[next[left]] = left
			}
			push(left)
			if left > 0 {
				push(prev[left])
			}
		}
	}

	ids := batch[:0] // batch is done with; its memory is not
	for i := uint32(0); i < uint32(n); i = next[i] {
		ids = append(ids, sym[i])
	}
	return ids
}

// pairHeap is a binary min-heap.
type pairHeap []uint64

func (h *pairHeap) push(v uint64) {
	s := append(*h, v)
	i := len(s) - 1
	for i > 0 && s[(i-1)/2] > v {
		s[i] = s[(i-1)/2]
		i = (i - 1) / 2
	}
	s[i] = v
	*h = s
}

func (h *pairHeap) pop() uint64 {
	s := *h
	top, v := s[0], s[len(s)-1]
	s = s[:len(s)-1]
	*h = s
	if len(s) == 0 {
		return top
	}
	i := 0
	for {
		child := 2*i + 1
		if child >= len(s) {
			break
		}
		if child+1 < len(s) && s[child+1] < s[child] {
			child++
		}
		if v <= s[child] {
			break
		}
		s[i] = s[child]
		i = child
	}
	s[i] = v
	return top
}
