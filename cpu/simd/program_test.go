package simd

import (
	"testing"

	"github.com/clipside/clipside/model"
)

func TestThreadsShareLongCommandsOfLongPrograms(t *testing.T) {
	long, brief := model.Work{FLOP: 1e9}, model.Work{FLOP: 1e6} // 25 ms and 25 µs
	for _, test := range []struct {
		what string
		work []model.Work
		want []int
	}{
		{"a short program", []model.Work{brief, brief}, []int{1, 1}},
		{"short for what it computes, not for what it reads", []model.Work{brief, {Bytes: 1e9}}, []int{2, 8}},
		{"a long program", []model.Work{long, brief}, []int{8, 2}},
		{"one that is not metered", []model.Work{{}, {}}, []int{8, 8}},
	} {
		var commands []command
		for _, w := range test.work {
			commands = append(commands, command{work: w, most: 8})
		}
		share(commands)
		for i, c := range commands {
			if c.pieces != test.want[i] {
				t.Errorf("%s: command %d is cut into %d pieces, want %d", test.what, i, c.pieces, test.want[i])
			}
		}
	}
}
