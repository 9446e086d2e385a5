package tokenizer

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// Where the tests' vocabularies and expectations lie. All but captionsDir is in the repository.
const (
	starterDir  = "../models/starter"
	captionsDir = "../../shared/tokenizer"
)

func readFile(t testing.TB, elem ...string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(elem...))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// shared reads a file that lies beside the checkout, or skips the test.
func shared(t testing.TB, name string) []byte {
	t.Helper()
	path := filepath.Join(captionsDir, name)
	if _, err := os.Stat(path); os.IsNotExist(err) {
		t.Skipf("%s is absent", path)
	}
	return readFile(t, path)
}

func starter(t testing.TB) *Tokenizer {
	t.Helper()
	tok, err := Load(os.DirFS(starterDir))
	if err != nil {
		t.Fatal(err)
	}
	return tok
}

func TestEncodeGivesGoldenIDs(t *testing.T) {
	for _, dir := range []string{"../testdata/golden/vit-hf", "../testdata/golden/rn-openclip", starterDir} {
		t.Run(filepath.Base(dir), func(t *testing.T) {
			tok, err := Load(os.DirFS(dir))
			if err != nil {
				t.Fatal(err)
			}
			var golden struct {
				Texts []struct {
					Text string
					IDs  []uint32
				}
			}
			if err := json.Unmarshal(readFile(t, dir, "golden.json"), &golden); err != nil {
				t.Fatal(err)
			}
			if len(golden.Texts) == 0 {
				t.Fatal("no texts")
			}
			for _, g := range golden.Texts {
				// 32 is the golden models' context; the starter's texts are all shorter.
				if ids, _ := tok.Encode(g.Text, 32); !slices.Equal(ids, g.IDs) {
					t.Errorf("%q\n got %v\nwant %v", g.Text, ids, g.IDs)
				}
			}
		})
	}
}

type caption struct {
	text string
	ids  []uint32
}

func captions(t testing.TB) []caption {
	t.Helper()
	var list []caption
	for line := range strings.Lines(string(shared(t, "coco_captions.tsv"))) {
		text, rest, ok := strings.Cut(strings.TrimSuffix(line, "\n"), "\t")
		if !ok {
			t.Fatalf("%q has no tab", line)
		}
		c := caption{text: text}
		for _, s := range strings.Fields(rest) {
			id, err := strconv.ParseUint(s, 10, 32)
			if err != nil {
				t.Fatal(err)
			}
			c.ids = append(c.ids, uint32(id))
		}
		list = append(list, c)
	}
	if len(list) == 0 {
		t.Fatal("no captions")
	}
	return list
}

func openAI(t testing.TB) *Tokenizer {
	t.Helper()
	tok, err := ParseSimpleVocab(shared(t, simpleFile))
	if err != nil {
		t.Fatal(err)
	}
	return tok
}

func TestEncodeGivesCaptionIDs(t *testing.T) {
	tok := openAI(t)
	if tok.VocabSize() != 49408 || tok.Start() != 49406 || tok.End() != 49407 {
		t.Errorf("size %d, start %d, end %d", tok.VocabSize(), tok.Start(), tok.End())
	}
	for _, c := range captions(t) {
		if ids, truncated := tok.Encode(c.text, 77); !slices.Equal(ids, c.ids) || truncated {
			t.Errorf("%q, truncated %v\n got %v\nwant %v", c.text, truncated, ids, c.ids)
		}
	}
}

// reference is a text with the ids that the Python rules (html, unicodedata, regex, str.lower, OpenAI's bpe) give with
// the starter's vocabulary.
type reference struct {
	Name, Text string
	Context    int
	IDs        []uint32
	Truncated  bool
}

func references(t testing.TB) []reference {
	t.Helper()
	var list []reference
	if err := json.Unmarshal(readFile(t, "testdata/reference.json"), &list); err != nil {
		t.Fatal(err)
	}
	if len(list) == 0 {
		t.Fatal("no references")
	}
	return list
}

func TestEncodeGivesReferenceIDs(t *testing.T) {
	tok := starter(t)
	for _, r := range references(t) {
		t.Run(r.Name, func(t *testing.T) {
			for range 2 { // the second time from the cache
				ids, truncated := tok.Encode(r.Text, r.Context)
				if !slices.Equal(ids, r.IDs) || truncated != r.Truncated {
					t.Fatalf("%q, context %d\n got %v %v\nwant %v %v", r.Text, r.Context, ids, truncated, r.IDs, r.Truncated)
				}
			}
		})
	}
}

func TestEncodeTruncates(t *testing.T) {
	tok := starter(t)
	const text = "It's a naïve photo of 2 dogs, 你好 <|endoftext|> 🚀"
	full, truncated := tok.Encode(text, 1000)
	if truncated {
		t.Fatal("truncated at 1000")
	}
	for context := 2; context <= len(full)+2; context++ {
		ids, truncated := tok.Encode(text, context)
		want := full
		if context < len(full) {
			want = append(slices.Clone(full[:context-1]), tok.End())
		}
		if !slices.Equal(ids, want) || truncated != (context < len(full)) {
			t.Errorf("context %d: got %v %v, want %v", context, ids, truncated, want)
		}
	}
}

func TestEncodeReplacesInvalidUTF8(t *testing.T) {
	tok := starter(t)
	got, _ := tok.Encode("a\xff\xfe dog \xe4\xbd", 77)
	want, _ := tok.Encode("a\uFFFD dog \uFFFD", 77)
	if !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestEncodePanicsWithoutRoom(t *testing.T) {
	tok := starter(t)
	defer func() {
		if recover() == nil {
			t.Error("no panic")
		}
	}()
	tok.Encode("", 1)
}

func TestEncodeIsSafeForConcurrentUse(t *testing.T) {
	tok := starter(t)
	var group sync.WaitGroup
	for range 4 {
		group.Go(func() {
			for _, r := range references(t) {
				if ids, _ := tok.Encode(r.Text, r.Context); !slices.Equal(ids, r.IDs) {
					t.Errorf("%s: got %v, want %v", r.Name, ids, r.IDs)
				}
			}
		})
	}
	group.Wait()
}

func TestWordCacheIsBounded(t *testing.T) {
	tok := starter(t)
	for i := range maxCachedWords + 10 {
		tok.Encode(strings.Repeat("x", 1+i/26%60)+string(rune('a'+i%26))+strings.Repeat("y", i/1560), 77)
	}
	tok.Encode(strings.Repeat("z", maxCachedWord+1), 77)
	if n := len(tok.words); n == 0 || n > maxCachedWords {
		t.Errorf("%d words in the cache", n)
	}
	for word := range tok.words {
		if len(word) > maxCachedWord {
			t.Errorf("a word of %d bytes in the cache", len(word))
		}
	}
}

// A megabyte in one piece takes well under a second; quadratic work would take minutes.
func TestEncodeHugeInputs(t *testing.T) {
	tok := starter(t)
	const n = 1 << 20
	for _, c := range []struct {
		name, text string
		truncated  bool
	}{
		{"one word", strings.Repeat("a", n), true},
		{"one varied word", strings.Repeat("thequickbrownfox", n/16), true},
		{"one run of punctuation", strings.Repeat("!?", n/2), true},
		{"many words", strings.Repeat("dog ", n/4), true},
		{"one combining sequence", "a" + strings.Repeat("\u0301\u0323", n/4), true},
		{"sigmas", strings.Repeat("Σ'", n/3), true},
		{"ampersands", strings.Repeat("&", n), true},
		{"numeric entity", "&#" + strings.Repeat("9", n), false},
		{"white space", strings.Repeat(" \n", n/2), false},
		{"no-break entities", strings.Repeat("&nbsp;", n/6), false},
		{"separators", strings.Repeat("\x1c ", n/2), false},
		{"invalid bytes", strings.Repeat("\xff", n), false},
	} {
		t.Run(c.name, func(t *testing.T) {
			began := time.Now()
			ids, truncated := tok.Encode(c.text, 77)
			if took := time.Since(began); took > 20*time.Second {
				t.Errorf("took %v", took)
			}
			if truncated != c.truncated || truncated && len(ids) != 77 {
				t.Errorf("truncated %v, %d ids", truncated, len(ids))
			}
		})
	}
}

func TestEncodeStopsWhenContextIsFull(t *testing.T) {
	tok := starter(t)
	// Only words that were merged are in the cache, so it tells how far Encode went.
	var text strings.Builder
	for i := range 1000 {
		text.WriteString(strings.Repeat("q", 1+i%50) + strings.Repeat("x", i/50) + " ")
	}
	tok.Encode(text.String(), 8)
	if len(tok.words) > 8 {
		t.Errorf("merged %d words for 6 tokens", len(tok.words))
	}
}

func TestDecode(t *testing.T) {
	tok := starter(t)
	encode := func(text string) []uint32 {
		ids, _ := tok.Encode(text, 77)
		return ids
	}
	for _, c := range []struct {
		name string
		ids  []uint32
		want string
	}{
		{"words", encode("It's a naïve Photo!"), "<|startoftext|>it 's a naïve photo ! <|endoftext|>"},
		{"beyond Latin-1", encode("你好 🚀"), "<|startoftext|>你好 🚀 <|endoftext|>"},
		{"nothing", nil, ""},
		{"id out of range", []uint32{tok.Start(), uint32(tok.VocabSize()), 1<<32 - 1}, "<|startoftext|>\uFFFD\uFFFD"},
		{"half a character", encode("🚀")[1:2], "\uFFFD"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := tok.Decode(c.ids); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

// mergesOf makes a vocabulary whose merges come in a given order, which need not be that of training.
func mergesOf(t *testing.T, pairs ...string) *Tokenizer {
	t.Helper()
	var tokens []string
	for b := range 256 {
		tokens = append(tokens, alphabet[b], alphabet[b]+endOfWord)
	}
	for _, pair := range pairs {
		tokens = append(tokens, strings.Replace(pair, " ", "", 1))
	}
	tok, err := build("test", append(tokens, StartToken, EndToken), mergeList{"test", pairs, strconv.Itoa})
	if err != nil {
		t.Fatal(err)
	}
	return tok
}

func TestMergesFollowRankThenPosition(t *testing.T) {
	for _, c := range []struct {
		name   string
		merges []string
		word   string
		want   []string
	}{
		{"none apply", nil, "abc", []string{"a", "b", "c</w>"}},
		{"rank before position", []string{"b c", "a b"}, "abcd", []string{"a", "bc", "d</w>"}},
		{"left to right", []string{"a a"}, "aaaab", []string{"aa", "aa", "b</w>"}},
		{"odd one out", []string{"a a"}, "aaab", []string{"aa", "a", "b</w>"}},
		{"end of word is another symbol", []string{"a b", "a b</w>"}, "abab", []string{"ab", "ab</w>"}},
		{"merges of merges", []string{"a b", "c d</w>", "ab cd</w>"}, "abcd", []string{"abcd</w>"}},
		// Both "a b" go before "ab a", though "ab a" is of lower rank once the first of them is made.
		{"every occurrence at once", []string{"ab a", "a b"}, "ababc", []string{"ab", "ab", "c</w>"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			tok := mergesOf(t, c.merges...)
			var got []string
			for _, id := range tok.mergeWord(c.word) {
				got = append(got, tok.tokens[id])
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

func FuzzEncode(f *testing.F) {
	tok := starter(f)
	for _, r := range references(f) {
		f.Add(r.Text, r.Context)
	}
	f.Add("\xff&#x\x1c", 3)
	f.Fuzz(func(t *testing.T, text string, context int) {
		context = 2 + int(uint(context)%300)
		ids, truncated := tok.Encode(text, context)
		if len(ids) < 2 || len(ids) > context || ids[0] != tok.Start() || ids[len(ids)-1] != tok.End() {
			t.Fatalf("context %d: %v", context, ids)
		}
		if truncated && len(ids) != context {
			t.Fatalf("truncated to %d of %d", len(ids), context)
		}
		for _, id := range ids {
			if int(id) >= tok.VocabSize() {
				t.Fatalf("id %d of %d", id, tok.VocabSize())
			}
		}
		// Cutting the text into fields changes nothing.
		var whole []uint32
		for word := range words(strings.TrimFunc(normalize(text), func(r rune) bool {
			return unmatched(r) && r != '\u0345' || '\x1c' <= r && r <= '\x1f'
		})) {
			whole = append(whole, tok.mergeWordOrSpecial(word)...)
		}
		if n := len(ids) - 2; !slices.Equal(whole[:min(n, len(whole))], ids[1:1+n]) || truncated != (len(whole) > n) {
			t.Fatalf("%q\n got %v\nwhole %v", text, ids, whole)
		}
	})
}

func (t *Tokenizer) mergeWordOrSpecial(word string) []uint32 {
	switch word {
	case StartToken:
		return []uint32{t.start}
	case EndToken:
		return []uint32{t.end}
	}
	return t.mergeWord(word)
}

func BenchmarkEncode(b *testing.B) {
	tok, list := openAI(b), captions(b)
	var size int64
	for _, c := range list {
		size += int64(len(c.text))
	}
	run := func(b *testing.B, before func()) {
		b.SetBytes(size)
		b.ReportAllocs()
		for b.Loop() {
			before()
			for _, c := range list {
				tok.Encode(c.text, 77)
			}
		}
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*len(list)), "ns/caption")
	}
	b.Run("cached", func(b *testing.B) { run(b, func() {}) })
	b.Run("cache emptied each round", func(b *testing.B) { run(b, func() { clear(tok.words) }) })
}

func BenchmarkEncodeHugeWord(b *testing.B) {
	tok := starter(b)
	text := string(bytes.Repeat([]byte("thequickbrownfox"), 1<<16))
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		tok.Encode(text, 77)
	}
}

func BenchmarkParse(b *testing.B) {
	data, err := openAI(b).MarshalJSON()
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(len(data)))
	for b.Loop() {
		if _, err := Parse(data); err != nil {
			b.Fatal(err)
		}
	}
}
