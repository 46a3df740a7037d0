package fanout

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"time"
)

// Process is a running sender. One goroutine at a time may use it.
type Process struct {
	Name string
	Addr string // of its WebSocket
	Pid  int

	cmd     *exec.Cmd
	in      io.Closer
	control net.Conn
	replies *bufio.Reader
	line    []byte
}

// Start runs a command that is a sender.
func Start(ctx context.Context, name string, command []string) (*Process, error) {
	p := &Process{Name: name, cmd: exec.CommandContext(ctx, command[0], command[1:]...)}
	p.cmd.Stderr = os.Stderr
	in, err := p.cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := p.cmd.Start(); err != nil {
		return nil, fmt.Errorf("sender %s: %w", name, err)
	}
	p.in, p.Pid = in, p.cmd.Process.Pid
	if err := p.Connect(out); err != nil {
		return nil, errors.Join(err, p.End())
	}
	return p, nil
}

// Connect reads where a sender is from its output, and connects to it.
func (p *Process) Connect(out io.Reader) error {
	var r Ready
	if err := json.NewDecoder(out).Decode(&r); err != nil || r.Addr == "" || r.Control == "" {
		return fmt.Errorf("sender %s didn't print its addresses; package fanout says how (%v)", p.Name, err)
	}
	p.Addr = r.Addr
	var err error
	if p.control, err = net.Dial("tcp", r.Control); err != nil {
		return fmt.Errorf("sender %s: %w", p.Name, err)
	}
	p.replies = bufio.NewReader(p.control)
	return nil
}

// Do gives an order and waits for the reply, for at most a minute.
func (p *Process) Do(o Order) (r Reply, err error) {
	b, err := json.Marshal(o)
	if err != nil {
		return r, err
	}
	_ = p.control.SetDeadline(time.Now().Add(time.Minute))
	defer p.control.SetDeadline(time.Time{})
	if _, err = p.control.Write(append(b, '\n')); err == nil {
		var line []byte
		if line, err = p.replies.ReadBytes('\n'); err == nil {
			err = json.Unmarshal(line, &r)
		}
	}
	if err == nil && r.Err != "" {
		err = errors.New(r.Err)
	}
	if err != nil {
		err = fmt.Errorf("sender %s, %s: %w", p.Name, o.Do, err)
	}
	return r, err
}

// Publish has events sent. It doesn't wait until they are.
func (p *Process) Publish(events []Event) error {
	for len(events) > 0 {
		n := min(len(events), MaxPublish)
		p.line = AppendPublish(p.line[:0], events[:n])
		if _, err := p.control.Write(p.line); err != nil {
			return fmt.Errorf("sender %s: %w", p.Name, err)
		}
		events = events[n:]
	}
	return nil
}

// End asks the sender to stop, and kills it if it doesn't.
func (p *Process) End() error {
	if p.control != nil {
		_ = p.control.Close()
	}
	if p.cmd == nil { // only connected
		return nil
	}
	_ = p.in.Close()
	t := time.AfterFunc(10*time.Second, func() { _ = p.cmd.Process.Kill() })
	defer t.Stop()
	return p.cmd.Wait()
}
