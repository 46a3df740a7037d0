package fanout

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"runtime/debug"
	"runtime/pprof"
	"strconv"
	"sync"
	"time"
)

// Sender is what is measured, in its process.
type Sender interface {
	http.Handler
	// Token returns what watchers of a room authenticate with. Rooms are numbered from 0.
	Token(room int) (string, error)
	// Publish sends an event to all watchers of a room. It is called by one goroutine, which keeps mark.
	Publish(room int, mark []byte)
	Watchers() int
	Close()
}

// Serve is a sender's process: it takes orders until in ends.
func Serve(ctx context.Context, s Sender, in io.Reader, out io.Writer) error {
	web, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	control, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return errors.Join(err, web.Close())
	}
	srv := &http.Server{Handler: s, ReadHeaderTimeout: 10 * time.Second}
	var running sync.WaitGroup
	defer running.Wait()
	running.Go(func() { _ = srv.Serve(web) }) // ends when srv is closed
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	running.Go(func() { _ = obey(ctx, s, control) }) // whoever gave orders sees its connection end
	if err = json.NewEncoder(out).Encode(Ready{web.Addr().String(), control.Addr().String()}); err == nil {
		_, err = io.Copy(io.Discard, in)
	}
	cancel()
	_ = control.Close()
	s.Close()
	return errors.Join(err, srv.Close())
}

// obey takes the orders of the first who connects.
func obey(ctx context.Context, s Sender, control net.Listener) error {
	c, err := control.Accept()
	if err != nil {
		return err
	}
	defer c.Close()
	defer context.AfterFunc(ctx, func() { _ = c.Close() })()
	lines := bufio.NewReaderSize(c, MaxPublish*(MarkLen+8))
	answers := json.NewEncoder(c)
	var cpu profile
	defer func() { _ = cpu.to("") }()
	for {
		line, err := lines.ReadSlice('\n')
		if err != nil {
			return err
		}
		if events, ok := bytes.CutPrefix(line, []byte("publish ")); ok {
			publish(s, bytes.TrimSuffix(events, []byte("\n")))
			continue
		}
		var o Order
		r := Reply{}
		if err := json.Unmarshal(line, &o); err != nil {
			r.Err = err.Error()
		} else {
			r = do(s, &cpu, o)
		}
		if err := answers.Encode(r); err != nil {
			return err
		}
	}
}

func publish(s interface{ Publish(room int, mark []byte) }, events []byte) {
	for len(events) > 0 {
		var e []byte
		e, events, _ = bytes.Cut(events, []byte(" "))
		room, mark, _ := bytes.Cut(e, []byte(":"))
		if n, err := strconv.Atoi(string(room)); err == nil {
			s.Publish(n, mark)
		}
	}
}

func do(s Sender, cpu *profile, o Order) (r Reply) {
	switch o.Do {
	case "tokens":
		for i := range o.Rooms {
			t, err := s.Token(i)
			if err != nil {
				return Reply{Err: err.Error()}
			}
			r.Tokens = append(r.Tokens, t)
		}
	case "watchers":
		r.Watchers = s.Watchers()
	case "settle":
		debug.FreeOSMemory()
	case "profile":
		if err := cpu.to(o.File); err != nil {
			r.Err = err.Error()
		}
	default:
		r.Err = fmt.Sprintf("unknown order %q", o.Do)
	}
	return r
}

// profile is the CPU profile that is being written.
type profile struct{ f *os.File }

// to ends the profile and begins another one, unless its name is "".
func (p *profile) to(name string) (err error) {
	if p.f != nil {
		pprof.StopCPUProfile()
		err = p.f.Close()
		p.f = nil
	}
	if err != nil || name == "" {
		return err
	}
	if p.f, err = os.Create(name); err != nil {
		return err
	}
	return pprof.StartCPUProfile(p.f)
}
