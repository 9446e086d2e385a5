package hub

import (
	"context"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"mime"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// redirect lets the token go no further than the endpoint. The standard library would pass it on to subdomains too.
func (c *Client) redirect(req *http.Request, via []*http.Request) error {
	if len(via) >= 10 {
		return errors.New("stopped after 10 redirects")
	}
	if !c.atEndpoint(req.URL) {
		req.Header.Del("Authorization")
	}
	return nil
}

func (c *Client) atEndpoint(u *url.URL) bool {
	e, err := url.Parse(c.Endpoint)
	return err == nil && u.Scheme == e.Scheme && u.Host == e.Host
}

// promise is what the server says of a file before sending it.
type promise struct {
	size int64  // -1: not said
	hash string // hex: 64 digits SHA-256, 40 digits git's SHA-1 of a blob; empty: not said
}

// partSuffix ends the name of a file that is not complete.
const partSuffix = ".part"

// file gets a file of the repository, unless it is there already.
func (g *getter) file(name string) error {
	path := filepath.Join(g.dir, name)
	if _, err := os.Stat(path); err == nil {
		return nil
	}
	p, err := g.ask(name)
	if err != nil {
		return err
	}
	// The hash is part of the name, so that a file that changed on the server is not continued with another's bytes.
	part := path + partSuffix
	if p.hash != "" {
		part = path + "." + p.hash[:16] + partSuffix
	} else if err := os.Remove(part); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("hub: %w", err)
	}
	err = g.retry(func() (brought bool, err error) {
		before := size(part)
		err = g.get(name, part, p)
		var broken *IntegrityError
		if errors.As(err, &broken) {
			os.Remove(part)
		}
		return size(part) > before, err
	})
	if err != nil {
		return err
	}
	if err := g.verify(name, part, p); err != nil {
		os.Remove(part)
		return err
	}
	if err := os.Rename(part, path); err != nil {
		return fmt.Errorf("hub: %w", err)
	}
	return nil
}

// temporaryError is one after which another attempt may succeed.
type temporaryError struct {
	error
	wait time.Duration // that the server asks for
}

func size(path string) int64 {
	info, err := os.Stat(path)
	if err != nil {
		return 0
	}
	return info.Size()
}

func (g *getter) request(ctx context.Context, method, name string) (*http.Request, error) {
	req, err := http.NewRequestWithContext(ctx, method, g.Endpoint+"/"+g.repo+"/resolve/main/"+url.PathEscape(name), nil)
	if err != nil {
		return nil, fmt.Errorf("hub: %w", err)
	}
	req.Header.Set("User-Agent", "clipside")
	req.Header.Set("Accept-Encoding", "identity") // sizes and ranges are of the file itself
	if g.Token != "" {
		req.Header.Set("Authorization", "Bearer "+g.Token)
	}
	return req, nil
}

// ask asks for a file's size and hash. The hub answers for a large file with a redirection to its storage that
// carries both; they are taken from there, as only the endpoint's own word counts.
func (g *getter) ask(name string) (promise, error) {
	var p promise
	err := g.retry(func() (bool, error) {
		req, err := g.request(g.ctx, http.MethodHead, name)
		if err != nil {
			return false, err
		}
		client := *g.http
		client.Timeout = g.stall
		client.CheckRedirect = func(req *http.Request, via []*http.Request) error {
			if !g.atEndpoint(req.URL) || req.Response.Header.Get("X-Linked-Etag") != "" {
				return http.ErrUseLastResponse
			}
			return g.redirect(req, via)
		}
		resp, err := client.Do(req)
		if err != nil {
			return false, &temporaryError{error: fmt.Errorf("hub: asking for %s: %w", name, err)}
		}
		resp.Body.Close()
		redirected := resp.StatusCode >= 300 && resp.StatusCode < 400
		if resp.StatusCode != http.StatusOK && !redirected {
			return false, g.status(name, resp)
		}
		p = promise{size: -1, hash: etag(resp.Header.Get("X-Linked-Etag"))}
		if p.hash == "" && !redirected {
			p.hash = etag(resp.Header.Get("ETag"))
		}
		if n, err := strconv.ParseInt(resp.Header.Get("X-Linked-Size"), 10, 64); err == nil && n >= 0 {
			p.size = n
		} else if !redirected {
			p.size = resp.ContentLength
		}
		return false, nil
	})
	return p, err
}

// etag is the hash in an entity tag, if it is one.
func etag(tag string) string {
	tag = strings.ToLower(strings.Trim(strings.TrimPrefix(tag, "W/"), `"`))
	if _, err := hex.DecodeString(tag); err != nil || len(tag) != 64 && len(tag) != 40 {
		return ""
	}
	return tag
}

// retry calls f until it succeeds, fails for good, or has failed too often. An attempt that brought something is no
// failure: a long file over a bad line gets there in the end.
func (g *getter) retry(f func() (brought bool, err error)) error {
	pause, failures := g.pause, 0
	for {
		brought, err := f()
		var temporary *temporaryError
		if !errors.As(err, &temporary) {
			return err
		}
		if brought {
			pause, failures = g.pause, 0
		}
		if failures++; failures >= g.attempts || g.ctx.Err() != nil {
			return temporary.error
		}
		select {
		case <-time.After(max(pause, temporary.wait)):
		case <-g.ctx.Done():
			return g.ctx.Err()
		}
		pause *= 2
	}
}

// status is the error for an answer that is no file.
func (g *getter) status(name string, resp *http.Response) error {
	e := &StatusError{Repository: g.repo, File: name, Status: resp.StatusCode}
	switch {
	case resp.StatusCode == http.StatusUnauthorized && g.Token == "":
		e.Advice = "there is no such repository, or it is private: set HF_TOKEN to a token that may read it"
	case resp.StatusCode == http.StatusUnauthorized:
		e.Advice = "there is no such repository, or HF_TOKEN may not read it"
	case resp.StatusCode == http.StatusForbidden:
		e.Advice = "access to the repository must be asked for on its page, and HF_TOKEN set"
	case resp.StatusCode == http.StatusTooManyRequests || resp.StatusCode >= 500:
		wait := retryAfter(resp)
		if wait <= g.stall {
			return &temporaryError{e, wait}
		}
		e.Advice = fmt.Sprintf("the server asks to wait for %v", wait.Round(time.Second))
	}
	return e
}

// retryAfter is how long an answer asks to wait before another attempt.
func retryAfter(resp *http.Response) time.Duration {
	value := resp.Header.Get("Retry-After")
	if seconds, err := strconv.ParseInt(value, 10, 32); err == nil {
		return time.Duration(seconds) * time.Second
	}
	if at, err := http.ParseTime(value); err == nil {
		return time.Until(at)
	}
	return 0
}

// get appends to part what is missing of a file.
func (g *getter) get(name, part string, p promise) error {
	f, err := os.OpenFile(part, os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return fmt.Errorf("hub: %w", err)
	}
	defer f.Close()
	have, err := f.Seek(0, io.SeekEnd)
	if err != nil {
		return fmt.Errorf("hub: %w", err)
	}
	if p.size >= 0 && have > p.size {
		have = 0
	}
	if p.size > 0 && have == p.size {
		return nil
	}
	ctx, cancel := context.WithCancelCause(g.ctx)
	defer cancel(nil)
	watch := time.AfterFunc(g.stall, func() { cancel(fmt.Errorf("no byte for %v", g.stall)) })
	defer watch.Stop()
	req, err := g.request(ctx, http.MethodGet, name)
	if err != nil {
		return err
	}
	if have > 0 {
		req.Header.Set("Range", fmt.Sprintf("bytes=%d-", have))
	}
	failed := func(err error) error {
		if g.ctx.Err() != nil {
			return g.ctx.Err()
		}
		if cause := context.Cause(ctx); cause != nil {
			err = cause
		}
		return &temporaryError{error: fmt.Errorf("hub: fetching %s of %s: %w", name, g.repo, err)}
	}
	resp, err := g.http.Do(req)
	if err != nil {
		return failed(err)
	}
	defer resp.Body.Close()
	switch resp.StatusCode {
	case http.StatusOK: // from the start, asked for or not
		have = 0
	case http.StatusPartialContent:
		if !strings.HasPrefix(resp.Header.Get("Content-Range"), fmt.Sprintf("bytes %d-", have)) {
			return &IntegrityError{g.repo, name, fmt.Sprintf("the server sent %q, asked for byte %d on", resp.Header.Get("Content-Range"), have)}
		}
	case http.StatusRequestedRangeNotSatisfiable: // the part is no beginning of this file
		if err := f.Truncate(0); err != nil {
			return fmt.Errorf("hub: %w", err)
		}
		return failed(errors.New("the server has no such range"))
	default:
		return g.status(name, resp)
	}
	// Where a network asks to sign in first, its page comes for every file, and without a hash to tell.
	if kind, _, _ := mime.ParseMediaType(resp.Header.Get("Content-Type")); kind == "text/html" {
		return &IntegrityError{g.repo, name, "the server sent a web page: see in a browser what it asks for"}
	}
	if err := f.Truncate(have); err != nil {
		return fmt.Errorf("hub: %w", err)
	}
	if _, err := f.Seek(have, io.SeekStart); err != nil {
		return fmt.Errorf("hub: %w", err)
	}
	total := p.size
	if total < 0 && resp.ContentLength >= 0 {
		total = have + resp.ContentLength
	}
	buf := make([]byte, 256<<10)
	for {
		n, err := resp.Body.Read(buf)
		watch.Reset(g.stall)
		if n > 0 {
			if p.size >= 0 && have+int64(n) > p.size {
				return &IntegrityError{g.repo, name, fmt.Sprintf("longer than the %d bytes promised", p.size)}
			}
			if _, err := f.Write(buf[:n]); err != nil {
				return fmt.Errorf("hub: %w", err)
			}
			have += int64(n)
			if g.Progress != nil {
				g.Progress(name, have, total)
			}
		}
		if err == io.EOF {
			break
		}
		if err != nil {
			return failed(err)
		}
	}
	if total >= 0 && have < total {
		return failed(io.ErrUnexpectedEOF)
	}
	if err := f.Close(); err != nil {
		return fmt.Errorf("hub: %w", err)
	}
	return nil
}

// verify compares a complete file with what was promised.
func (g *getter) verify(name, part string, p promise) error {
	f, err := os.Open(part)
	if err != nil {
		return fmt.Errorf("hub: %w", err)
	}
	defer f.Close()
	n := size(part)
	if p.size >= 0 && n != p.size {
		return &IntegrityError{g.repo, name, fmt.Sprintf("%d bytes long, the server promised %d", n, p.size)}
	}
	var h hash.Hash
	switch len(p.hash) {
	case 64:
		h = sha256.New()
	case 40:
		h = sha1.New()
		fmt.Fprintf(h, "blob %d\x00", n)
	default:
		return nil
	}
	if _, err := io.Copy(h, f); err != nil {
		return fmt.Errorf("hub: %w", err)
	}
	if got := hex.EncodeToString(h.Sum(nil)); got != p.hash {
		return &IntegrityError{g.repo, name, fmt.Sprintf("its hash is %s, the server promised %s", got, p.hash)}
	}
	return nil
}
