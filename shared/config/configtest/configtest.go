// Package configtest has tests run as on a machine that knows nothing of Snug.
package configtest

import (
	"errors"
	"fmt"
	"os"

	"github.com/alecthomas/kong"
)

// Forget unsets the environment variables that a program with this grammar reads, which may be set
// in the shell that runs the tests. Call it in TestMain.
func Forget(grammar any, options ...kong.Option) error {
	p, err := kong.New(grammar, options...)
	if err != nil {
		return fmt.Errorf("configtest: %w", err)
	}
	return kong.Visit(p.Model, func(node kong.Visitable, next kong.Next) error {
		if f, ok := node.(*kong.Flag); ok {
			for _, name := range f.Envs {
				err = errors.Join(err, os.Unsetenv(name), os.Unsetenv(name+"_FILE"))
			}
		}
		return next(err)
	})
}
