package simd

import (
	"testing"

	"github.com/clipside/clipside/model"
)

func TestThreadsShareLongCommandsAndWakeForLongPrograms(t *testing.T) {
	long, brief := model.Work{FLOP: 1e9}, model.Work{FLOP: 1e6} // 25 ms and 25 µs
	for _, test := range []struct {
		what  string
		work  []model.Work
		want  []int
		wakes bool
	}{
		{"a short program", []model.Work{brief, {FLOP: 1}}, []int{2, 1}, false},
		{"short for what it computes, not for what it reads", []model.Work{brief, {Bytes: 1e9}}, []int{2, 8}, true},
		{"a long program", []model.Work{long, brief}, []int{8, 2}, true},
		{"one that is not metered", []model.Work{{}, {}}, []int{8, 8}, true},
	} {
		var commands []command
		for _, w := range test.work {
			commands = append(commands, command{work: w, most: 8})
		}
		share(commands)
		for i, c := range commands {
			if c.pieces != test.want[i] || c.wakes != test.wakes {
				t.Errorf("%s: command %d is cut into %d pieces, and wakes %v, want %d and %v", test.what, i, c.pieces, c.wakes, test.want[i], test.wakes)
			}
		}
	}
}
