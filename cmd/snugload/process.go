package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"time"
)

// process is a running sender.
type process struct {
	name string
	addr string
	cmd  *exec.Cmd
	in   io.WriteCloser
	out  *bufio.Reader
}

func start(ctx context.Context, s namedCommand, pinIt bool) (*process, error) {
	command := s.command
	if pinIt {
		command = pinned(command)
	}
	p := &process{name: s.name, cmd: exec.CommandContext(ctx, command[0], command[1:]...)}
	p.cmd.Stderr = os.Stderr
	var err error
	if p.in, err = p.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	p.out = bufio.NewReader(out)
	if err := p.cmd.Start(); err != nil {
		return nil, fmt.Errorf("sender %s: %w", s.name, err)
	}
	r, err := p.reply()
	if err == nil && r.Addr == "" {
		err = fmt.Errorf("sender %s did not report its address", s.name)
	}
	if err != nil {
		return nil, errors.Join(err, p.end())
	}
	p.addr = r.Addr
	return p, nil
}

func (p *process) reply() (r reply, err error) {
	line, err := p.out.ReadBytes('\n')
	if err == nil {
		err = json.Unmarshal(line, &r)
	}
	if err == nil && r.Err != "" {
		err = errors.New(r.Err)
	}
	if err != nil {
		err = fmt.Errorf("sender %s: %w", p.name, err)
	}
	return r, err
}

func (p *process) do(o order) (reply, error) {
	b, err := json.Marshal(o)
	if err != nil {
		return reply{}, err
	}
	if _, err := p.in.Write(append(b, '\n')); err != nil {
		return reply{}, fmt.Errorf("sender %s: %w", p.name, err)
	}
	return p.reply()
}

// end asks the sender to stop, and kills it if it doesn't.
func (p *process) end() error {
	_ = p.in.Close()
	t := time.AfterFunc(10*time.Second, func() { _ = p.cmd.Process.Kill() })
	defer t.Stop()
	return p.cmd.Wait()
}
