package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"snug/shared/terminal"
	"strings"

	"golang.org/x/term"
)

// errNoInput is the end of what people type.
var errNoInput = errors.New("no more input. Run snug init in a terminal, or give everything with flags or variables; " +
	"see snug init --help")

// asker asks people questions. It isn't safe for concurrent use.
type asker struct {
	ctx    context.Context
	in     *bufio.Reader
	out    io.Writer
	fd     int
	people bool // in is a terminal: what's typed can be hidden, and asking again after a wrong answer makes sense
}

func newAsker(ctx context.Context, in io.Reader, out io.Writer) *asker {
	a := &asker{ctx: ctx, in: bufio.NewReader(in), out: out}
	a.fd, a.people = terminal.Of(in)
	return a
}

// line asks for a line.
func (a *asker) line(question string) (string, error) {
	fmt.Fprintf(a.out, "  %s: ", question)
	return a.wait(func() (string, error) {
		s, err := a.in.ReadString('\n')
		if errors.Is(err, io.EOF) && s == "" {
			return "", errNoInput
		}
		return strings.TrimSpace(s), nil
	})
}

// secret asks for a line that isn't shown while it's typed.
func (a *asker) secret(question string) (string, error) {
	if !a.people {
		return a.line(question)
	}
	fmt.Fprintf(a.out, "  %s (not shown while you type): ", question)
	before, err := term.GetState(a.fd)
	if err != nil {
		return "", err
	}
	s, err := a.wait(func() (string, error) {
		b, err := term.ReadPassword(a.fd)
		return strings.TrimSpace(string(b)), err
	})
	fmt.Fprintln(a.out)
	return s, errors.Join(err, term.Restore(a.fd, before))
}

// wait returns what read returns, or an error when the program is told to stop. What's read after that is lost.
func (a *asker) wait(read func() (string, error)) (string, error) {
	type answer struct {
		s   string
		err error
	}
	c := make(chan answer, 1)
	go func() {
		s, err := read()
		c <- answer{s, err}
	}()
	select {
	case got := <-c:
		return got.s, got.err
	case <-a.ctx.Done():
		return "", errors.New("stopped; nothing was written")
	}
}
