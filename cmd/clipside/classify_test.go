package main

import (
	"encoding/json"
	"math"
	"path/filepath"
	"strings"
	"testing"

	"github.com/clipside/clipside/internal/golden"
	"github.com/clipside/clipside/model"
)

// goldenLabels are the labels of the starter's reference probabilities, for the template "a photo of a {}.".
const goldenLabels = "cat,dog,cup of coffee,rocket,woman,motorcycle"

func TestClassifyFindsWhatIsInTheSamplePhotos(t *testing.T) {
	set := golden.Read(t, root, "models/starter")
	labels := strings.Split(goldenLabels, ",")
	args := []string{"classify", "-model", starter, "-labels", goldenLabels, "-template", "a photo of a {}.", "-device", "cpu", "-json"}
	for _, image := range set.Images {
		args = append(args, filepath.Join(photos, image.File))
	}
	var got struct{ Images []classified }
	if err := json.Unmarshal([]byte(succeed(t, args...)), &got); err != nil {
		t.Fatal(err)
	}
	if len(got.Images) != len(set.Images) || len(got.Images) != 4 {
		t.Fatalf("%d photos came back, want %d", len(got.Images), len(set.Images))
	}
	for i, image := range got.Images {
		want := map[string]float32{}
		for j, label := range labels {
			want[label] = set.ProbsPerImage[i][j]
		}
		if len(image.Scores) != len(labels) {
			t.Fatalf("%s has %d scores, want %d", image.File, len(image.Scores), len(labels))
		}
		for j, s := range image.Scores {
			if d := math.Abs(float64(s.Score - want[s.Label])); d > 0.005 {
				t.Errorf("%s: %s has %.4f, want %.4f", image.File, s.Label, s.Score, want[s.Label])
			}
			if j > 0 && s.Score > image.Scores[j-1].Score {
				t.Errorf("%s: %s is not in order", image.File, s.Label)
			}
		}
		top := map[string]string{"chelsea.png": "cat", "coffee.png": "cup of coffee", "rocket.jpg": "rocket", "astronaut.png": "woman"}
		if want := top[filepath.Base(image.File)]; image.Scores[0].Label != want {
			t.Errorf("%s is taken for %q, want %q", image.File, image.Scores[0].Label, want)
		}
	}
}

func TestClassifyPrintsPercentages(t *testing.T) {
	coffee := filepath.Join(photos, "coffee.png")
	got := succeed(t, "classify", "-model", starter, "-labels", "a photo of a cat., a photo of a cup of coffee.", "-top", "1", "-device", "cpu", coffee)
	if want := coffee + "\n   99.9%  a photo of a cup of coffee.\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestLabelsAreTakenAsTheyAreWithoutATemplate(t *testing.T) {
	args := []string{"classify", "-model", starter, "-device", "cpu", "-json", filepath.Join(photos, "chelsea.png"), "-labels"}
	plain := scoresOf(t, succeed(t, append(args, "a photo of a cat.,a photo of a dog.")...))
	filled := scoresOf(t, succeed(t, append(args, "cat,dog", "-template", "a photo of a {}.")...))
	bare := scoresOf(t, succeed(t, append(args, "cat,dog")...))
	for i := range plain {
		if plain[i].Score != filled[i].Score {
			t.Errorf("as labels %v, with a template %v", plain[i], filled[i])
		}
	}
	if bare[0].Score == filled[0].Score {
		t.Error("the template changes nothing")
	}
	ensemble := scoresOf(t, succeed(t, append(args, "cat,dog", "-template", "a photo of a {}.", "-template", "{}")...))
	low, high := min(bare[0].Score, filled[0].Score), max(bare[0].Score, filled[0].Score)
	if s := ensemble[0].Score; s == low || s == high {
		t.Errorf("two templates give %v, what one of them gives alone", s)
	}
}

func scoresOf(t *testing.T, stdout string) []model.Score {
	t.Helper()
	var got struct {
		Images []struct{ Scores []model.Score }
	}
	if err := json.Unmarshal([]byte(stdout), &got); err != nil || len(got.Images) != 1 || len(got.Images[0].Scores) != 2 {
		t.Fatalf("%v, or not one photo with two scores: %s", err, stdout)
	}
	return got.Images[0].Scores
}

func TestAnUnreadablePhotoDoesNotStopTheOthers(t *testing.T) {
	code, stdout, stderr := clipside(t, "classify", "-model", starter, "-labels", "a cat", "-device", "cpu",
		filepath.Join(photos, "truncated.jpg"), filepath.Join(photos, "rocket.jpg"), "nothing.png")
	if code != 1 || !strings.HasPrefix(stdout, filepath.Join(photos, "rocket.jpg")+"\n  100.0%  a cat\n") {
		t.Errorf("exit code %d, stdout %q", code, stdout)
	}
	for _, want := range []string{"truncated.jpg: ", "cut short", "nothing.png", "2 of 3 photos"} {
		if !strings.Contains(stderr, want) {
			t.Errorf("stderr %q does not say %q", stderr, want)
		}
	}
}

func TestACutLabelIsReported(t *testing.T) {
	long := strings.Repeat("very ", 40) + "long"
	_, _, stderr := clipside(t, "classify", "-model", starter, "-labels", "a cat,"+long, "-device", "cpu", filepath.Join(photos, "rocket.jpg"))
	if strings.Count(stderr, "longer than the model reads") != 1 || !strings.Contains(stderr, `label "`+long[:99]+`…"`) {
		t.Errorf("stderr is %q", stderr)
	}
}
