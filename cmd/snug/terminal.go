package main

import (
	"io"
	"os"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"
)

// terminal returns a stream's file descriptor if the stream is a terminal.
func terminal(stream any) (fd int, ok bool) {
	f, ok := stream.(*os.File)
	if !ok {
		return 0, false
	}
	return int(f.Fd()), term.IsTerminal(int(f.Fd()))
}

// colour is how text looks on a terminal (ECMA-48, SGR).
type colour string

const (
	red   colour = "31"
	green colour = "32"
	faint colour = "2"
	bold  colour = "1"
)

// paint returns text in a colour if w is a terminal that shows colours, and the text alone otherwise, or if the user
// doesn't want colours (https://no-color.org).
func paint(w io.Writer, c colour, text string) string {
	if _, ok := terminal(w); !ok || os.Getenv("NO_COLOR") != "" || os.Getenv("TERM") == "dumb" {
		return text
	}
	return "\x1b[" + string(c) + "m" + text + "\x1b[0m"
}

// progress shows on w how many bytes have been written to the returned writer, if w is a terminal. total is -1 if it
// isn't known. Call done at the end.
func progress(w io.Writer, total int64, what string) (bar io.Writer, done func()) {
	if _, ok := terminal(w); !ok {
		return io.Discard, func() {}
	}
	b := progressbar.NewOptions64(total,
		progressbar.OptionSetWriter(w), progressbar.OptionSetDescription(what), progressbar.OptionShowBytes(true),
		progressbar.OptionThrottle(100*time.Millisecond), progressbar.OptionClearOnFinish(),
		progressbar.OptionFullWidth())
	return b, func() { _ = b.Finish() }
}
