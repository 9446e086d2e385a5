// Clipside packs CLIP models, runs them on photos and texts, and builds and serves the page that does so in a browser.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second Ctrl-C ends the program at once
	os.Exit(run(ctx, os.Args[1:], output{os.Stdout, os.Stderr}))
}

// output is where a command writes: results to stdout, everything else to stderr.
type output struct{ stdout, stderr io.Writer }

// results remembers the first error of writing, which is easily overlooked where lines are printed.
type results struct {
	io.Writer
	err error
}

func (r *results) Write(p []byte) (int, error) {
	n, err := r.Writer.Write(p)
	if r.err == nil {
		r.err = err
	}
	return n, err
}

// command is one of clipside's subcommands.
type command struct {
	name    string
	args    string // what follows the name in the usage line
	summary string // a few words for the list of commands
	help    string // what the usage line and the flags do not say
	define  func(*flag.FlagSet) action
}

// action does a command's work, once its flags are read, on the arguments that are no flags.
type action func(ctx context.Context, out output, args []string) error

func commands() []command {
	return []command{classifyCommand, embedCommand, packCommand, inspectCommand, benchCommand, buildCommand, serveCommand}
}

// usageError is a command line that makes no sense; the exit code tells it from work that failed.
type usageError struct{ problem string }

func (e *usageError) Error() string { return e.problem }

func usagef(format string, args ...any) error { return &usageError{fmt.Sprintf(format, args...)} }

// run is the whole program; it returns the exit code: 0, 1 for a failure, 2 for a wrong command line.
func run(ctx context.Context, args []string, out output) int {
	if len(args) == 0 {
		fmt.Fprint(out.stderr, overview())
		return 2
	}
	if isHelp(args[0]) {
		fmt.Fprint(out.stdout, overview())
		return 0
	}
	for _, c := range commands() {
		if c.name == args[0] {
			return c.run(ctx, args[1:], out)
		}
	}
	fmt.Fprintf(out.stderr, "clipside: there is no command %q; clipside -h lists those there are\n", args[0])
	return 2
}

func (c *command) run(ctx context.Context, args []string, out output) int {
	flags := newFlags(c.name)
	do := c.define(flags)
	rest, err := parseInterspersed(flags, args)
	switch {
	case errors.Is(err, flag.ErrHelp):
		fmt.Fprintf(out.stdout, "usage: clipside %s %s\n\n%s\n\n", c.name, c.args, c.help)
		flags.SetOutput(out.stdout)
		flags.PrintDefaults()
		return 0
	case err != nil:
		err = &usageError{err.Error()}
	default:
		results := &results{Writer: out.stdout}
		err = do(ctx, output{results, out.stderr}, rest)
		if err == nil && results.err != nil {
			err = fmt.Errorf("writing the results: %w", results.err)
		}
	}
	var usage *usageError
	switch {
	case err == nil:
		return 0
	case errors.As(err, &usage):
		fmt.Fprintf(out.stderr, "clipside: %s: %v; see clipside %s -h\n", c.name, err, c.name)
		return 2
	case ctx.Err() != nil && errors.Is(err, context.Canceled):
		fmt.Fprintf(out.stderr, "clipside: %s: interrupted\n", c.name)
	default:
		fmt.Fprintf(out.stderr, "clipside: %s: %v\n", c.name, err)
	}
	return 1
}

// newFlags is a set of flags that leaves it to the caller to say what is wrong.
func newFlags(name string) *flag.FlagSet {
	flags := flag.NewFlagSet(name, flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	return flags
}

// parseInterspersed parses flags before, between and after the other arguments, which it returns. After "--" nothing
// is a flag.
func parseInterspersed(flags *flag.FlagSet, args []string) (rest []string, err error) {
	for {
		if err := flags.Parse(args); err != nil {
			return nil, err
		}
		left := flags.Args()
		if len(left) == 0 {
			return rest, nil
		}
		if at := len(args) - len(left); at > 0 && args[at-1] == "--" {
			return append(rest, left...), nil
		}
		rest, args = append(rest, left[0]), left[1:]
	}
}

func isHelp(arg string) bool {
	return arg == "help" || arg == "-h" || arg == "-help" || arg == "--help"
}

func overview() string {
	var b strings.Builder
	b.WriteString("Clipside says what is in a picture, in your own words, with CLIP models that run on this machine.\n\nusage: clipside COMMAND [flags] [arguments]\n\n")
	for _, c := range commands() {
		fmt.Fprintf(&b, "  %-9s %s\n", c.name, c.summary)
	}
	b.WriteString("\nclipside COMMAND -h tells more about each.\n")
	return b.String()
}

// values is a flag that may be given several times.
type values []string

func (v *values) String() string { return strings.Join(*v, ", ") }

func (v *values) Set(s string) error {
	*v = append(*v, s)
	return nil
}
