// Package terminal is what command lines show on terminals only: colours and progress. Elsewhere, as in files and
// pipes, there's neither. Only cmd imports it.
package terminal

import (
	"io"
	"os"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"
)

// Of returns a stream's file descriptor if the stream is a terminal.
func Of(stream any) (fd int, ok bool) {
	f, ok := stream.(*os.File)
	if !ok {
		return 0, false
	}
	return int(f.Fd()), term.IsTerminal(int(f.Fd()))
}

// Colour is how text looks on a terminal (ECMA-48, SGR).
type Colour string

// The colours that command lines use.
const (
	Red   Colour = "31"
	Green Colour = "32"
	Faint Colour = "2"
	Bold  Colour = "1"
)

// Paint returns text in a colour if w is a terminal that shows colours, and the text alone otherwise, or if the user
// doesn't want colours (https://no-color.org).
func Paint(w io.Writer, c Colour, text string) string {
	if _, ok := Of(w); !ok || os.Getenv("NO_COLOR") != "" || os.Getenv("TERM") == "dumb" {
		return text
	}
	return "\x1b[" + string(c) + "m" + text + "\x1b[0m"
}

// Progress shows how far something is. It isn't safe for concurrent use.
type Progress struct{ bar *progressbar.ProgressBar }

// Steps shows on w how many of total steps are done; Add counts them.
func Steps(w io.Writer, total int, what string) Progress {
	return progress(w, int64(total), what, false)
}

// Bytes shows on w how many bytes have been written to it. total is -1 if it isn't known.
func Bytes(w io.Writer, total int64, what string) Progress { return progress(w, total, what, true) }

func progress(w io.Writer, total int64, what string, bytes bool) Progress {
	if _, ok := Of(w); !ok {
		return Progress{}
	}
	return Progress{progressbar.NewOptions64(total,
		progressbar.OptionSetWriter(w), progressbar.OptionSetDescription(what), progressbar.OptionShowBytes(bytes),
		progressbar.OptionThrottle(100*time.Millisecond), progressbar.OptionClearOnFinish(),
		progressbar.OptionFullWidth())}
}

// Write implements io.Writer.
func (p Progress) Write(b []byte) (int, error) {
	p.Add(len(b))
	return len(b), nil
}

// Add counts n more.
func (p Progress) Add(n int) {
	if p.bar != nil {
		_ = p.bar.Add(n)
	}
}

// Done clears it.
func (p Progress) Done() {
	if p.bar != nil {
		_ = p.bar.Finish()
	}
}
