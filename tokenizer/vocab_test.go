package tokenizer

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
)

// parts is a small vocabulary in pieces, from which each file form is written and spoiled.
type parts struct {
	tokens []string // in id order
	merges []string
}

func smallParts() parts {
	var p parts
	for _, suffix := range []string{"", endOfWord} {
		for _, b := range alphabetOrder {
			p.tokens = append(p.tokens, alphabet[b]+suffix)
		}
	}
	p.merges = []string{"d o", "do g</w>", "a t</w>", "c at</w>"}
	p.tokens = append(p.tokens, "do", "dog</w>", "at</w>", "cat</w>", StartToken, EndToken)
	return p
}

func mustJSON(t testing.TB, v any) []byte {
	t.Helper()
	data, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func (p parts) ids() map[string]int {
	ids := map[string]int{}
	for i, token := range p.tokens {
		ids[token] = i
	}
	return ids
}

func (p parts) mergesTxt() []byte {
	return []byte("#version: 0.2\n" + strings.Join(p.merges, "\n") + "\n")
}

// tokenizerJSON writes the merges as pairs or as strings, and the start and end tokens as added tokens too.
func (p parts) tokenizerJSON(t testing.TB, pairs bool) []byte {
	t.Helper()
	var merges any = p.merges
	if pairs {
		var list [][]string
		for _, m := range p.merges {
			list = append(list, strings.Split(m, " "))
		}
		merges = list
	}
	ids := p.ids()
	added := []map[string]any{}
	for _, token := range []string{StartToken, EndToken} {
		added = append(added, map[string]any{"id": ids[token], "content": token, "special": true, "normalized": false})
	}
	return mustJSON(t, map[string]any{
		"version": "1.0", "truncation": nil, "added_tokens": added,
		"normalizer": map[string]any{"type": "Lowercase"},
		"model": map[string]any{
			"type": "BPE", "dropout": nil, "unk_token": EndToken, "continuing_subword_prefix": "",
			"end_of_word_suffix": endOfWord, "fuse_unk": false, "vocab": ids, "merges": merges,
		},
	})
}

func gzipped(t testing.TB, text string) []byte {
	t.Helper()
	var b bytes.Buffer
	zw := gzip.NewWriter(&b)
	if _, err := zw.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
	if err := zw.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func (p parts) simple(t testing.TB) []byte {
	return gzipped(t, `"header`+"\n"+strings.Join(p.merges, "\n")+"\n")
}

func (p parts) normalized(t testing.TB) []byte {
	ids := p.ids()
	return mustJSON(t, map[string]any{"vocab": p.tokens, "merges": p.merges, "start": ids[StartToken], "end": ids[EndToken]})
}

// forms parses p from every form.
func (p parts) forms(t testing.TB) map[string]*Tokenizer {
	t.Helper()
	all := map[string]*Tokenizer{}
	add := func(name string, tok *Tokenizer, err error) {
		t.Helper()
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		all[name] = tok
	}
	tok, err := ParseVocabMerges(mustJSON(t, p.ids()), p.mergesTxt())
	add("vocab.json and merges.txt", tok, err)
	tok, err = ParseVocabMerges(mustJSON(t, p.ids()), []byte(strings.Join(p.merges, "\r\n")))
	add("merges.txt with CRLF and no header", tok, err)
	tok, err = ParseTokenizerJSON(p.tokenizerJSON(t, false))
	add("tokenizer.json, merges as strings", tok, err)
	tok, err = ParseTokenizerJSON(p.tokenizerJSON(t, true))
	add("tokenizer.json, merges as pairs", tok, err)
	tok, err = Parse(p.normalized(t))
	add("normalized", tok, err)
	return all
}

// partsOf takes a tokenizer apart.
func partsOf(t testing.TB, tok *Tokenizer) parts {
	t.Helper()
	data, err := tok.MarshalJSON()
	if err != nil {
		t.Fatal(err)
	}
	var n normalized
	if err := json.Unmarshal(data, &n); err != nil {
		t.Fatal(err)
	}
	return parts{n.Vocab, n.Merges}
}

func TestEveryFormGivesTheSameTokenizer(t *testing.T) {
	for _, c := range []struct {
		name string
		load func(t *testing.T) (*Tokenizer, []string)
	}{
		{"starter", func(t *testing.T) (*Tokenizer, []string) {
			var texts []string
			for _, r := range references(t) {
				texts = append(texts, r.Text)
			}
			return starter(t), texts
		}},
		{"OpenAI", func(t *testing.T) (*Tokenizer, []string) {
			var texts []string
			for _, c := range captions(t) {
				texts = append(texts, c.text)
			}
			return openAI(t), texts
		}},
		{"small, from merges alone", func(t *testing.T) (*Tokenizer, []string) {
			tok, err := ParseSimpleVocab(smallParts().simple(t))
			if err != nil {
				t.Fatal(err)
			}
			return tok, []string{"a dog and a cat", "dogcat"}
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			original, texts := c.load(t)
			data, err := original.MarshalJSON()
			if err != nil {
				t.Fatal(err)
			}
			for name, tok := range partsOf(t, original).forms(t) {
				if again, err := tok.MarshalJSON(); err != nil || !bytes.Equal(again, data) {
					t.Errorf("%s: other bytes when written (%v)", name, err)
				}
				for _, text := range texts {
					want, _ := original.Encode(text, 77)
					if ids, _ := tok.Encode(text, 77); !slices.Equal(ids, want) {
						t.Errorf("%s: %q\n got %v\nwant %v", name, text, ids, want)
					}
				}
			}
		})
	}
}

func TestNormalizedFormIsAsDocumented(t *testing.T) {
	tok, err := ParseSimpleVocab(smallParts().simple(t))
	if err != nil {
		t.Fatal(err)
	}
	data, err := tok.MarshalJSON()
	if err != nil {
		t.Fatal(err)
	}
	if want := `{"vocab":["!","\"","#","$",`; !bytes.HasPrefix(data, []byte(want)) {
		t.Errorf("starts with %.40s", data)
	}
	if want := `"do","dog</w>","at</w>","cat</w>","<|startoftext|>","<|endoftext|>"],` +
		`"merges":["d o","do g</w>","a t</w>","c at</w>"],"start":516,"end":517}`; !bytes.HasSuffix(data, []byte(want)) {
		t.Errorf("ends with %s", data[len(data)-len(want):])
	}
}

// The ids are what the file says: specials need not be last, and tokens that no merge makes are kept.
func TestVocabularyOfAnotherOrderAndSize(t *testing.T) {
	p := smallParts()
	slices.Reverse(p.tokens)
	p.tokens = append(p.tokens, "unused</w>", "<|pad|>")
	for name, tok := range p.forms(t) {
		if tok.VocabSize() != 520 || tok.Start() != 1 || tok.End() != 0 || tok.Highest() != 517 {
			t.Errorf("%s: size %d, start %d, end %d, highest %d", name, tok.VocabSize(), tok.Start(), tok.End(), tok.Highest())
		}
		if ids, _ := tok.Encode("dog", 77); !slices.Equal(ids, []uint32{1, 4, 0}) {
			t.Errorf("%s: %v", name, ids)
		}
	}
}

func TestAddedTokensExtendTheVocabulary(t *testing.T) {
	p := smallParts()
	var file map[string]any
	if err := json.Unmarshal(p.tokenizerJSON(t, true), &file); err != nil {
		t.Fatal(err)
	}
	vocab := file["model"].(map[string]any)["vocab"].(map[string]any)
	delete(vocab, StartToken)
	delete(vocab, EndToken)
	tok, err := ParseTokenizerJSON(mustJSON(t, file))
	if err != nil {
		t.Fatal(err)
	}
	if tok.VocabSize() != 518 || tok.Start() != 516 || tok.End() != 517 || tok.Highest() != 517 {
		t.Errorf("size %d, start %d, end %d, highest %d", tok.VocabSize(), tok.Start(), tok.End(), tok.Highest())
	}
}

func TestParseRefuses(t *testing.T) {
	vocabMerges := func(spoil func(p *parts)) func(t *testing.T) error {
		return func(t *testing.T) error {
			p := smallParts()
			spoil(&p)
			_, err := ParseVocabMerges(mustJSON(t, p.ids()), p.mergesTxt())
			return err
		}
	}
	vocabText := func(old, new string) func(t *testing.T) error {
		return func(t *testing.T) error {
			p := smallParts()
			_, err := ParseVocabMerges(replaceOnce(t, mustJSON(t, p.ids()), old, new), p.mergesTxt())
			return err
		}
	}
	fast := func(pairs bool, old, new string) func(t *testing.T) error {
		return func(t *testing.T) error {
			_, err := ParseTokenizerJSON(replaceOnce(t, smallParts().tokenizerJSON(t, pairs), old, new))
			return err
		}
	}
	own := func(old, new string) func(t *testing.T) error {
		return func(t *testing.T) error {
			_, err := Parse(replaceOnce(t, smallParts().normalized(t), old, new))
			return err
		}
	}
	simple := func(gz func(t *testing.T) []byte) func(t *testing.T) error {
		return func(t *testing.T) error {
			_, err := ParseSimpleVocab(gz(t))
			return err
		}
	}
	without := func(tokens []string, token string) []string {
		i := slices.Index(tokens, token)
		return slices.Delete(tokens, i, i+1)
	}

	for _, c := range []struct {
		name  string
		parse func(t *testing.T) error
		want  string // beginning of the message, after "tokenizer: "
	}{
		{"no start token", vocabMerges(func(p *parts) { p.tokens = without(p.tokens, StartToken) }), `vocab.json: token "<|startoftext|>" is missing`},
		{"no end token", vocabMerges(func(p *parts) { p.tokens = without(p.tokens, EndToken) }), `vocab.json: token "<|endoftext|>" is missing`},
		{"no token for a byte", vocabMerges(func(p *parts) { p.tokens = without(p.tokens, "Ā") }), `vocab.json: token "Ā" is missing`},
		{"no token for a last byte", vocabMerges(func(p *parts) { p.tokens = without(p.tokens, "q</w>") }), `vocab.json: token "q</w>" is missing`},
		{"merge of an unknown token", vocabMerges(func(p *parts) { p.merges[2] = "zz t</w>" }), `merges.txt: line 4: names token "zz", which`},
		{"merge into an unknown token", vocabMerges(func(p *parts) { p.merges[2] = "a q" }), `merges.txt: line 4: names token "aq", which`},
		{"merge of one token", vocabMerges(func(p *parts) { p.merges[0] = "do" }), `merges.txt: line 2: "do" is not two tokens`},
		{"merge of three tokens", vocabMerges(func(p *parts) { p.merges[0] = "d o g" }), `merges.txt: line 2: "d o g" is not two tokens`},
		{"empty line among merges", vocabMerges(func(p *parts) { p.merges[1] = "" }), `merges.txt: line 3: "" is not two tokens`},
		{"merge given twice", vocabMerges(func(p *parts) { p.merges = append(p.merges, "d o") }), `merges.txt: line 6: merges "d o" again, as line 2 does`},
		{"empty token", vocabMerges(func(p *parts) { p.tokens = append(p.tokens, "") }), `vocab.json: id 518: token of 0 bytes`},
		{"long token", vocabMerges(func(p *parts) { p.tokens = append(p.tokens, strings.Repeat("x", 1025)) }), `vocab.json: id 518: token of 1025 bytes`},
		{"missing id", vocabText(`"dog\u003c/w\u003e":513`, `"dog\u003c/w\u003e":600`), `vocab.json: id 600: of token "dog</w>" is too high for 518 tokens`},
		{"id given twice", vocabText(`"dog\u003c/w\u003e":513`, `"dog\u003c/w\u003e":512`), `vocab.json: id 512: is given to`},
		{"token given twice", vocabText(`{`, `{"do":518,`), `vocab.json: id 518: token "do" is id 512 already`},
		{"negative id", vocabText(`"do":512`, `"do":-1`), `vocab.json: vocabulary, byte`},
		{"fractional id", vocabText(`"do":512`, `"do":1.5`), `vocab.json: vocabulary, byte`},
		{"id beyond 32 bits", vocabText(`"do":512`, `"do":4294967808`), `vocab.json: vocabulary, byte`},
		{"id is a string", vocabText(`"do":512`, `"do":"512"`), `vocab.json: vocabulary, byte`},
		{"id is an object", vocabText(`"do":512`, `"do":{}`), `vocab.json: vocabulary, byte`},
		{"vocabulary cut off", func(t *testing.T) error {
			data := mustJSON(t, smallParts().ids())
			_, err := ParseVocabMerges(data[:len(data)-1], nil)
			return err
		}, `vocab.json: vocabulary, byte`},
		{"vocabulary is a list", vocabText(`{`, `[`), `vocab.json: vocabulary, byte 1: not an object`},
		{"something after the vocabulary", func(t *testing.T) error {
			_, err := ParseVocabMerges(append(mustJSON(t, smallParts().ids()), "{}"...), nil)
			return err
		}, `vocab.json: vocabulary, byte`},
		{"empty vocabulary", func(*testing.T) error { _, err := ParseVocabMerges(nil, nil); return err }, `vocab.json: vocabulary, byte 0: not JSON: EOF`},
		{"vocab.json too large", func(*testing.T) error { _, err := ParseVocabMerges(make([]byte, maxFile+1), nil); return err }, `vocab.json: 33554433 bytes, at most`},
		{"merges.txt too large", func(*testing.T) error {
			_, err := ParseVocabMerges([]byte("{}"), make([]byte, maxFile+1))
			return err
		}, `merges.txt: 33554433 bytes, at most`},

		{"tokenizer.json is no JSON", fast(true, `{`, `<`), `tokenizer.json: not as expected: invalid character`},
		{"other model type", fast(true, `"type":"BPE"`, `"type":"WordPiece"`), `tokenizer.json: model.type: is "WordPiece"`},
		{"no end of word", fast(true, `"end_of_word_suffix":"\u003c/w\u003e"`, `"end_of_word_suffix":null`), `tokenizer.json: model.end_of_word_suffix: is ""`},
		{"subword prefix", fast(true, `"continuing_subword_prefix":""`, `"continuing_subword_prefix":"##"`), `tokenizer.json: model.continuing_subword_prefix: is "##"`},
		{"dropout", fast(true, `"dropout":null`, `"dropout":0.1`), `tokenizer.json: model.dropout: is 0.1`},
		{"byte fallback", fast(true, `"fuse_unk":false`, `"byte_fallback":true`), `tokenizer.json: model.byte_fallback`},
		{"ignored merges", fast(true, `"fuse_unk":false`, `"ignore_merges":true`), `tokenizer.json: model.ignore_merges`},
		{"no vocabulary", fast(true, `"vocab":`, `"vocabulary":`), `tokenizer.json: model.vocab: is missing`},
		{"vocabulary is null", fast(true, `"vocab":{`, `"vocab":null,"other":{`), `tokenizer.json: vocabulary`},
		{"merge pair of three", fast(true, `["d","o"]`, `["d","o","g"]`), `tokenizer.json: not as expected: `},
		{"merge pair with a space", fast(true, `["d","o"]`, `["d o","x"]`), `tokenizer.json: model.merges[0]: "d o x" is not two tokens`},
		{"merge pair with an empty token", fast(true, `["d","o"]`, `["","o"]`), `tokenizer.json: model.merges[0]: " o" is not two tokens`},
		{"merge is a number", fast(false, `"d o"`, `1`), `tokenizer.json: not as expected: `},
		{"merge is null", fast(false, `"d o"`, `null`), `tokenizer.json: model.merges[0]: "" is not two tokens`},
		{"merge string of an unknown token", fast(false, `"d o"`, `"d zz"`), `tokenizer.json: model.merges[0]: names token "zz"`},
		{"added token under another id", fast(true, `"id":517`, `"id":518`), `tokenizer.json: id 518: token "<|endoftext|>" is id 517 already`},
		{"added token under a taken id", fast(true, `"id":517`, `"id":3`), `tokenizer.json: id 3: is given to`},
		{"added token without id", fast(true, `"id":517`, `"ID_":517`), `tokenizer.json: added_tokens[1]: has no id`},

		{"simple is no gzip", simple(func(*testing.T) []byte { return []byte("plain") }), `bpe_simple_vocab_16e6.txt.gz: not gzip`},
		{"simple cut off", simple(func(t *testing.T) []byte { gz := smallParts().simple(t); return gz[:len(gz)-9] }), `bpe_simple_vocab_16e6.txt.gz: decompressing: unexpected EOF`},
		{"simple with a wrong checksum", simple(func(t *testing.T) []byte { gz := smallParts().simple(t); gz[len(gz)-8] ^= 1; return gz }), `bpe_simple_vocab_16e6.txt.gz: decompressing: gzip: invalid checksum`},
		{"simple is empty", simple(func(t *testing.T) []byte { return gzipped(t, "") }), `bpe_simple_vocab_16e6.txt.gz: is empty`},
		{"simple makes a token twice", simple(func(t *testing.T) []byte { return gzipped(t, "h\na b\nb c\nab c\na bc\n") }), `bpe_simple_vocab_16e6.txt.gz: line 5: makes token "abc", as line 4 does`},
		{"simple merges an unknown token", simple(func(t *testing.T) []byte { return gzipped(t, "h\na b\nxy b\n") }), `bpe_simple_vocab_16e6.txt.gz: line 3: names token "xy"`},
		{"simple makes a byte's token", simple(func(t *testing.T) []byte { return gzipped(t, "h\na </w>\n") }), `bpe_simple_vocab_16e6.txt.gz: id 512: token "a</w>" is id 320 already`},
		{"decompression bomb", simple(func(t *testing.T) []byte { return gzipped(t, strings.Repeat("a b\n", maxFile/4+1)) }), `bpe_simple_vocab_16e6.txt.gz: 33554433 bytes, at most`},

		{"normalized is no JSON", own(`{`, `<`), `tokenizer: not as expected: byte 0: invalid character`},
		{"unknown field", own(`{`, `{"version":2,`), `tokenizer: not as expected: byte 11: unknown field "version"`},
		{"something after the form", func(t *testing.T) error {
			_, err := Parse(append(smallParts().normalized(t), '1'))
			return err
		}, `tokenizer: not as expected: byte 6220: more follows`},
		{"no start", own(`"start":516`, `"start":null`), `tokenizer: start: must be 516`},
		{"wrong end", own(`"end":517`, `"end":516`), `tokenizer: end: must be 517`},
		{"token twice", own(`"do"`, `"dog\u003c/w\u003e"`), `tokenizer: id 513: token "dog</w>" is id 512 already`},
		{"unknown token in a merge", own(`"d o"`, `"d zz"`), `tokenizer: merges[0]: names token "zz"`},
		{"form too large", func(*testing.T) error { _, err := Parse(make([]byte, maxFile+1)); return err }, `tokenizer: 33554433 bytes, at most`},
	} {
		t.Run(c.name, func(t *testing.T) {
			err := c.parse(t)
			var vocabErr *VocabError
			if !errors.As(err, &vocabErr) {
				t.Fatalf("error is %v, not a *VocabError", err)
			}
			if !strings.HasPrefix(err.Error(), "tokenizer: "+c.want) {
				t.Errorf("got  %v\nwant tokenizer: %s", err, c.want)
			}
		})
	}
}

func replaceOnce(t *testing.T, data []byte, old, new string) []byte {
	t.Helper()
	if !bytes.Contains(data, []byte(old)) {
		t.Fatalf("no %s to replace", old)
	}
	return bytes.Replace(data, []byte(old), []byte(new), 1)
}

func TestBoundsOnTokensAndMerges(t *testing.T) {
	var vocabErr *VocabError
	if _, err := build("f", make([]string, maxVocab+1), mergeList{}); !errors.As(err, &vocabErr) || vocabErr.Problem != "1048577 tokens, at most 1048576" {
		t.Errorf("tokens: %v", err)
	}
	if _, err := build("f", nil, mergeList{file: "m", pairs: make([]string, maxVocab+1)}); !errors.As(err, &vocabErr) || vocabErr.Problem != "1048577 merges, at most 1048576" {
		t.Errorf("merges: %v", err)
	}
}

func TestLoadFindsWhatIsThere(t *testing.T) {
	small := smallParts()
	other := smallParts()
	other.tokens = append(other.tokens, "<|pad|>") // 519 tokens, to tell the files apart
	file := func(data []byte) *fstest.MapFile { return &fstest.MapFile{Data: data} }
	for _, c := range []struct {
		name string
		fsys fstest.MapFS
		size int
	}{
		{"vocab.json first", fstest.MapFS{vocabFile: file(mustJSON(t, other.ids())), mergesFile: file(other.mergesTxt()), fastFile: file(small.tokenizerJSON(t, true))}, 519},
		{"vocab.json without merges", fstest.MapFS{vocabFile: file(mustJSON(t, small.ids())), fastFile: file(other.tokenizerJSON(t, true))}, 519},
		{"tokenizer.json", fstest.MapFS{fastFile: file(other.tokenizerJSON(t, false)), simpleFile: file(small.simple(t))}, 519},
		{"simple", fstest.MapFS{simpleFile: file(small.simple(t))}, 518},
	} {
		t.Run(c.name, func(t *testing.T) {
			tok, err := Load(c.fsys)
			if err != nil {
				t.Fatal(err)
			}
			if tok.VocabSize() != c.size {
				t.Errorf("%d tokens, want %d", tok.VocabSize(), c.size)
			}
		})
	}

	if _, err := Load(fstest.MapFS{}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("nothing there: %v", err)
	}
	var vocabErr *VocabError
	broken := fstest.MapFS{vocabFile: file([]byte("{")), mergesFile: file(nil), fastFile: file(small.tokenizerJSON(t, true))}
	if _, err := Load(broken); !errors.As(err, &vocabErr) {
		t.Errorf("a broken vocab.json is passed over: %v", err)
	}
	unreadable := fstest.MapFS{vocabFile: &fstest.MapFile{Mode: fs.ModeDir}, mergesFile: file(nil)}
	if _, err := Load(unreadable); err == nil || errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a directory as vocab.json: %v", err)
	}
	if _, err := Load(os.DirFS(starterDir)); err != nil {
		t.Error(err)
	}
}

// checkParsed holds what every parser promises of any input.
func checkParsed(t *testing.T, tok *Tokenizer, err error) {
	t.Helper()
	if err != nil {
		var vocabErr *VocabError
		if tok != nil || !errors.As(err, &vocabErr) {
			t.Fatalf("tokenizer %v, error %T %v", tok, err, err)
		}
		return
	}
	ids, _ := tok.Encode("A dog's catdog, naïve 🚀 <|endoftext|> 12", 40)
	for _, id := range ids {
		if int(id) >= tok.VocabSize() {
			t.Fatalf("id %d of %d", id, tok.VocabSize())
		}
	}
	data, err := tok.MarshalJSON()
	if err != nil {
		t.Fatal(err)
	}
	again, err := Parse(data)
	if err != nil {
		t.Fatalf("cannot read what was written: %v", err)
	}
	if same, _ := again.Encode("A dog's catdog, naïve 🚀 <|endoftext|> 12", 40); !slices.Equal(same, ids) {
		t.Fatalf("ids %v, after writing and reading %v", ids, same)
	}
}

func FuzzParseVocabMerges(f *testing.F) {
	p := smallParts()
	f.Add(mustJSON(f, p.ids()), p.mergesTxt())
	f.Add([]byte(`{"a":0,"a":1}`), []byte("#version: 0.2\na b"))
	f.Add([]byte(`{}`), []byte(" \n\r\n"))
	f.Fuzz(func(t *testing.T, vocab, merges []byte) {
		tok, err := ParseVocabMerges(vocab, merges)
		checkParsed(t, tok, err)
	})
}

func FuzzParseTokenizerJSON(f *testing.F) {
	f.Add(smallParts().tokenizerJSON(f, false))
	f.Add(smallParts().tokenizerJSON(f, true))
	f.Add([]byte(`{"model":{"end_of_word_suffix":"</w>","vocab":{"a":0},"merges":[["a"],"a b",null]}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		tok, err := ParseTokenizerJSON(data)
		checkParsed(t, tok, err)
	})
}

func FuzzParseSimpleVocab(f *testing.F) {
	f.Add(smallParts().simple(f))
	f.Add([]byte("\x1f\x8b"))
	f.Fuzz(func(t *testing.T, gz []byte) {
		tok, err := ParseSimpleVocab(gz)
		checkParsed(t, tok, err)
		// Few mutations are gzip still; so the same bytes once more as what lies inside.
		tok, err = ParseSimpleVocab(gzipped(t, string(gz)))
		checkParsed(t, tok, err)
	})
}

func FuzzParse(f *testing.F) {
	f.Add(smallParts().normalized(f))
	f.Add([]byte(`{"vocab":["a"],"merges":["a a"],"start":0,"end":0}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		tok, err := Parse(data)
		checkParsed(t, tok, err)
	})
}
