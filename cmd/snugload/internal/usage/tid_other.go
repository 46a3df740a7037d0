//go:build !linux

package usage

func tid() int { return 0 }
