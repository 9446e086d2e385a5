package hub

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gofrs/flock"
)

// DefaultEndpoint is where repositories are looked for unless HF_ENDPOINT says otherwise.
const DefaultEndpoint = "https://huggingface.co"

// Client fetches from one server.
type Client struct {
	// Endpoint is the server's address without a slash at its end.
	Endpoint string
	// Token, if any, is sent to the endpoint and to no other host, redirected or not.
	Token string
	// Check, if not nil, says whether the configuration in a file of a directory is of use. One that is not ends the fetch
	// before any weights come, unless the repository has another.
	Check func(dir fs.FS, file string) error
	// Progress, if not nil, is told how far a file is; total is -1 where the server does not say.
	Progress func(file string, done, total int64)
	// Waiting, if not nil, is called when a fetch has to wait until another one of the same checkpoint has ended.
	Waiting func()

	http     *http.Client
	attempts int           // to get on with a file, while none of them brings a byte
	pause    time.Duration // before the second attempt; doubles each time
	stall    time.Duration // without a byte, after which a connection is given up
}

// NewClient returns a client as the environment says: HF_ENDPOINT and HF_TOKEN.
func NewClient() *Client {
	endpoint := strings.TrimRight(os.Getenv("HF_ENDPOINT"), "/")
	if endpoint == "" {
		endpoint = DefaultEndpoint
	}
	c := &Client{Endpoint: endpoint, Token: strings.TrimSpace(os.Getenv("HF_TOKEN")), attempts: 5, pause: time.Second, stall: time.Minute}
	c.http = &http.Client{CheckRedirect: c.redirect}
	return c
}

// doneName marks a directory whose files are all there; it lists them with their sizes, a line each. It has another
// extension than the checkpoint's own files.
const doneName = "fetched.list"

// Fetch fetches the checkpoint that name means (see Repository) into a directory of its own below cacheDir, and returns
// that directory: its configuration, weights and vocabulary; OpenCLIP's layout where the repository has it, else Hugging
// Face's; safetensors before a sharded one before pickles. What an earlier, interrupted call got is kept and continued; a
// complete checkpoint is returned without asking the server. Every file is checked against the hash that the server
// gives. Of several calls for one checkpoint, in whatever processes, one fetches and the others wait for it. Errors are
// *NameError, *StatusError, *IntegrityError, Check's, ctx's, or the network's.
func (c *Client) Fetch(ctx context.Context, name, cacheDir string) (string, error) {
	repo, err := Repository(name)
	if err != nil {
		return "", err
	}
	dir := filepath.Join(cacheDir, strings.ReplaceAll(repo, "/", "--"))
	if all, _ := complete(dir); all {
		return dir, nil
	}
	if u, err := url.Parse(c.Endpoint); err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return "", fmt.Errorf("hub: HF_ENDPOINT is %.100q, must be a server's address with http:// or https://", c.Endpoint)
	}
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return "", fmt.Errorf("hub: %w", err)
	}
	unlock, err := c.lock(ctx, dir)
	if err != nil {
		return "", err
	}
	defer unlock()
	all, damaged := complete(dir)
	if all { // by now
		return dir, nil
	}
	for _, file := range damaged {
		if err := os.Remove(file); err != nil {
			return "", fmt.Errorf("hub: %w", err)
		}
	}
	g := &getter{Client: c, ctx: ctx, repo: repo, dir: dir}
	if err := g.checkpoint(); err != nil {
		os.Remove(dir) // where nothing came, for a name that is mistyped
		return "", err
	}
	return dir, g.finish()
}

// lock makes this call the only one that changes the directory, until it calls unlock. The file that is locked lies beside
// the directory and stays there: were it removed, two processes could hold locks of two files of that name.
func (c *Client) lock(ctx context.Context, dir string) (unlock func(), err error) {
	lock := flock.New(dir + ".lock")
	locked, err := lock.TryLock()
	if err == nil && !locked {
		if c.Waiting != nil {
			c.Waiting()
		}
		_, err = lock.TryLockContext(ctx, lockPoll)
	}
	if err != nil {
		return nil, fmt.Errorf("hub: locking %s: %w", dir, err)
	}
	return func() { lock.Unlock() }, nil // closes the file; there is nothing to do about an error
}

// lockPoll is how often a waiting call looks whether it is its turn.
const lockPoll = 100 * time.Millisecond

// complete reports whether a directory has every file that its list names. Damaged are files that have another size now
// than they had then.
func complete(dir string) (all bool, damaged []string) {
	list, err := os.ReadFile(filepath.Join(dir, doneName))
	if err != nil {
		return false, nil
	}
	all = true
	for line := range strings.Lines(string(list)) {
		file, size, _ := strings.Cut(strings.TrimSpace(line), " ") // lists of earlier versions have no sizes
		path := filepath.Join(dir, file)
		info, err := os.Stat(path)
		switch {
		case err != nil:
			all = false
		case size != "" && size != strconv.FormatInt(info.Size(), 10):
			all = false
			damaged = append(damaged, path)
		}
	}
	return all, damaged
}

// getter fetches one repository.
type getter struct {
	*Client
	ctx       context.Context
	repo, dir string
	files     []string
}

// finish lists what is there, and removes what is left of files that changed on the server before they were complete.
func (g *getter) finish() error {
	entries, err := os.ReadDir(g.dir)
	if err != nil {
		return fmt.Errorf("hub: %w", err)
	}
	for _, e := range entries {
		if strings.HasSuffix(e.Name(), partSuffix) {
			if err := os.Remove(filepath.Join(g.dir, e.Name())); err != nil {
				return fmt.Errorf("hub: %w", err)
			}
		}
	}
	var list []byte
	for _, file := range g.files {
		info, err := os.Stat(filepath.Join(g.dir, file))
		if err != nil {
			return fmt.Errorf("hub: %w", err)
		}
		list = fmt.Appendf(list, "%s %d\n", file, info.Size())
	}
	if err := os.WriteFile(filepath.Join(g.dir, doneName), list, 0o644); err != nil {
		return fmt.Errorf("hub: %w", err)
	}
	return nil
}

// optional gets a file that may be absent.
func (g *getter) optional(file string) (found bool, err error) {
	err = g.file(file)
	if IsNotFound(err) {
		return false, nil
	}
	if err == nil {
		g.files = append(g.files, file)
	}
	return err == nil, err
}

// first gets the first file that is there; its name, or empty.
func (g *getter) first(files ...string) (string, error) {
	for _, f := range files {
		if found, err := g.optional(f); found || err != nil {
			return f, err
		}
	}
	return "", nil
}

func (g *getter) checkpoint() error {
	config, err := g.first("open_clip_config.json")
	if err != nil {
		return err
	}
	weights := ""
	var refused error
	if config != "" {
		if refused = g.check(config); refused == nil {
			if weights, err = g.first("open_clip_model.safetensors", "open_clip_pytorch_model.bin"); err != nil {
				return err
			}
		}
	}
	if weights == "" {
		if err := g.huggingFace(); err != nil {
			if refused != nil && g.ctx.Err() == nil {
				return refused
			}
			return err
		}
	}
	return g.vocabulary()
}

// check asks Check about a file that has come.
func (g *getter) check(file string) error {
	if g.Check == nil {
		return nil
	}
	if err := g.Check(os.DirFS(g.dir), file); err != nil {
		return fmt.Errorf("hub: %s: %w", g.repo, err)
	}
	return nil
}

func (g *getter) huggingFace() error {
	found, err := g.optional("config.json")
	if err != nil {
		return err
	}
	if !found {
		return &StatusError{Repository: g.repo, File: "config.json", Status: http.StatusNotFound,
			Advice: "the repository has no CLIP configuration (config.json or open_clip_config.json)"}
	}
	if _, err := g.first("preprocessor_config.json", "processor_config.json"); err != nil {
		return err
	}
	if err := g.check("config.json"); err != nil {
		return err
	}
	const index = "model.safetensors.index.json"
	weights, err := g.first("model.safetensors", index, "pytorch_model.bin")
	if err != nil {
		return err
	}
	if weights == "" {
		return &StatusError{Repository: g.repo, File: "model.safetensors", Status: http.StatusNotFound,
			Advice: "nor has the repository " + index + " or pytorch_model.bin"}
	}
	if weights == index {
		return g.shards(index)
	}
	return nil
}

// shards gets the files that an index names.
func (g *getter) shards(index string) error {
	data, err := os.ReadFile(filepath.Join(g.dir, index))
	if err != nil {
		return fmt.Errorf("hub: %w", err)
	}
	var list struct {
		WeightMap map[string]string `json:"weight_map"`
	}
	if err := json.Unmarshal(data, &list); err != nil {
		return fmt.Errorf("hub: %s: %s: %w", g.repo, index, err)
	}
	shards := make(map[string]bool)
	for _, file := range list.WeightMap {
		shards[file] = true
	}
	for _, file := range slices.Sorted(maps.Keys(shards)) {
		if !shardName(file) {
			return fmt.Errorf("hub: %s: %s: %.100q is no file name of a shard", g.repo, index, file)
		}
		if err := g.file(file); err != nil {
			return err
		}
		g.files = append(g.files, file)
	}
	return nil
}

// shardName keeps a name from an index inside the directory, and off the other files there.
func shardName(file string) bool {
	for _, c := range file {
		if !strings.ContainsRune("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-", c) {
			return false
		}
	}
	return strings.HasSuffix(file, ".safetensors") && !strings.HasPrefix(file, ".") && len(file) < 200
}

// vocabulary gets the tokenizer in whichever form is there.
func (g *getter) vocabulary() error {
	found, err := g.optional("vocab.json")
	if err != nil {
		return err
	}
	if found {
		if found, err = g.optional("merges.txt"); found || err != nil {
			return err
		}
	}
	file, err := g.first("tokenizer.json", "bpe_simple_vocab_16e6.txt.gz")
	if err == nil && file == "" {
		err = &StatusError{Repository: g.repo, File: "vocab.json", Status: http.StatusNotFound,
			Advice: "nor has the repository merges.txt, tokenizer.json or bpe_simple_vocab_16e6.txt.gz"}
	}
	return err
}

// StatusError is an answer of the server that is no file.
type StatusError struct {
	Repository, File string
	Status           int
	Advice           string // what it means and what to do
}

func (e *StatusError) Error() string {
	s := fmt.Sprintf("hub: %s: %s: %d %s", e.Repository, e.File, e.Status, http.StatusText(e.Status))
	if e.Advice != "" {
		s += ": " + e.Advice
	}
	return s
}

// IsNotFound reports whether the error says that a file is not there.
func IsNotFound(err error) bool {
	var status *StatusError
	return errors.As(err, &status) && status.Status == http.StatusNotFound
}

// IntegrityError is a file whose bytes are not those that the server promised. They have been thrown away.
type IntegrityError struct {
	Repository, File, Problem string
}

func (e *IntegrityError) Error() string {
	return fmt.Sprintf("hub: %s: %s: %s", e.Repository, e.File, e.Problem)
}
