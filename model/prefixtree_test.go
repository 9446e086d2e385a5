package model_test

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/clipside/clipside/model"
)

// tower is a text tower without weights, of which 9 is the end token.
func tower() *model.TextTower {
	c := model.Config{EmbedDim: 4, Text: model.TextConfig{Vocab: 10, Context: 8, Width: 4, Layers: 1, Heads: 1, MLP: 4}}
	return model.NewTextTower(&c, func(name string, shape ...int) *model.Param { return model.NewParam(name, shape...) })
}

func TestWhatTextsBeginWithIsInTheTreeOnce(t *testing.T) {
	for _, c := range []struct {
		name  string
		texts [][]uint32
		most  int
		want  model.PrefixTree
	}{
		{"one", [][]uint32{{8, 1, 9}}, 100,
			model.PrefixTree{[]model.Token{{8, 0, 0}, {1, 1, 0}, {9, 2, 1}}, []uint32{2}, 3}},
		{"what follows the end", [][]uint32{{8, 9, 1, 1}}, 100,
			model.PrefixTree{[]model.Token{{8, 0, 0}, {9, 1, 0}}, []uint32{1}, 2}},
		{"a template", [][]uint32{{8, 1, 2, 9}, {8, 1, 3, 4, 9}, {8, 1, 3, 9}}, 100,
			model.PrefixTree{[]model.Token{{8, 0, 0}, {1, 1, 0}, {2, 2, 1}, {9, 3, 2}, {3, 2, 1}, {4, 3, 4}, {9, 4, 5}, {9, 3, 4}}, []uint32{3, 6, 7}, 5}},
		{"the same", [][]uint32{{8, 1, 9}, {8, 1, 9}}, 100,
			model.PrefixTree{[]model.Token{{8, 0, 0}, {1, 1, 0}, {9, 2, 1}}, []uint32{2, 2}, 3}},
		{"nothing in common", [][]uint32{{8, 9}, {7, 9}}, 100,
			model.PrefixTree{[]model.Token{{8, 0, 0}, {9, 1, 0}, {7, 0, 2}, {9, 1, 2}}, []uint32{1, 3}, 2}},
		{"as many as fit", [][]uint32{{8, 1, 9}, {8, 2, 9}, {8, 3, 9}}, 6,
			model.PrefixTree{[]model.Token{{8, 0, 0}, {1, 1, 0}, {9, 2, 1}, {2, 1, 0}, {9, 2, 3}}, []uint32{2, 4}, 3}},
		{"one at least", [][]uint32{{8, 1, 9}, {8, 1, 9}}, 1,
			model.PrefixTree{[]model.Token{{8, 0, 0}, {1, 1, 0}, {9, 2, 1}}, []uint32{2}, 3}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := tower().Tree(c.texts, c.most)
			if err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(got.Tokens, c.want.Tokens) || !slices.Equal(got.Ends, c.want.Ends) || got.Longest != c.want.Longest {
				t.Errorf("%+v, want %+v", *got, c.want)
			}
		})
	}
	for _, bad := range [][]uint32{nil, {8, 10}, {8, 1, 1, 1, 1, 1, 1, 1, 9}} {
		if _, err := tower().Tree([][]uint32{{8, 9}, bad}, 100); err == nil {
			t.Errorf("ids %v are taken", bad)
		}
	}
}

func TestEveryTextIsAPathOfTheTree(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for range 200 {
		texts := make([][]uint32, 1+rng.IntN(20))
		beginnings := map[string]bool{}
		for i := range texts {
			text := []uint32{8}
			for range rng.IntN(6) {
				text = append(text, uint32(rng.IntN(2)))
			}
			texts[i] = append(text, 9)
		}
		slices.SortFunc(texts, slices.Compare)
		for _, text := range texts {
			var b []byte
			for _, id := range text {
				b = append(b, byte(id))
				beginnings[string(b)] = true
			}
		}
		tree, err := tower().Tree(texts, 1000)
		if err != nil {
			t.Fatal(err)
		}
		if len(tree.Tokens) != len(beginnings) {
			t.Fatalf("%v have %d beginnings, in %d rows", texts, len(beginnings), len(tree.Tokens))
		}
		rows, n := len(tree.Tokens)+3, len(texts)+2
		tree.Pad(rows, n)
		if len(tree.Tokens) != rows || len(tree.Ends) != n {
			t.Fatalf("padded to %d rows and %d texts: %+v", rows, n, tree)
		}
		for i, text := range texts {
			var got []uint32
			for row := tree.Ends[i]; ; {
				token := tree.Tokens[row]
				got = append(got, token.ID)
				if int(token.Position) != len(text)-len(got) {
					t.Fatalf("of text %v token %d is at %d", text, len(text)-len(got), token.Position)
				}
				if token.Previous == row {
					break
				}
				if token.Previous > row {
					t.Fatalf("row %d comes before row %d, whose text goes through it", row, token.Previous)
				}
				row = token.Previous
			}
			slices.Reverse(got)
			if !slices.Equal(got, text) {
				t.Fatalf("text %d is %v, want %v", i, got, text)
			}
		}
	}
}
