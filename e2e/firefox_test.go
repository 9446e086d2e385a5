package e2e

import (
	"testing"

	"github.com/clipside/clipside/internal/firefox"
	"github.com/clipside/clipside/internal/programs"
)

// launchFirefox starts a Firefox with a fresh profile, which ends with the test.
func launchFirefox(t testing.TB) *firefox.Browser {
	t.Helper()
	program, err := programs.Firefox()
	if err != nil {
		t.Fatal(err)
	}
	b, err := firefox.Launch(t.Context(), program)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Close)
	return b
}

// openFirefox opens url in a Firefox of its own.
func openFirefox(t testing.TB, url string) *tab {
	t.Helper()
	return openOther(t, url, launchFirefox(t))
}

func TestFirefoxFindsTheLabelsOfPhotos(t *testing.T) {
	t.Parallel()
	g := readStarterGolden(t)
	b := launchFirefox(t)
	for _, device := range []string{"webgpu", "cpu"} {
		t.Run(device, func(t *testing.T) {
			s := serve(t)
			s.headers = isolation
			p := openOther(t, s.url+"?device="+device, b)
			p.adapter()
			p.model()
			g.checkWithAnother(t, p, device)
		})
	}
}
