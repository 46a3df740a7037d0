package backups

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"syscall"
	"time"
)

const (
	// listName is the file in a folder of backups that says which of its files Snug wrote on its schedule. Only those
	// are ever removed.
	listName = "snug-backups.json"
	nameForm = "snug-2006-01-02T150405Z.tar"
)

// ours is the form of the names of backups. The list names no other files, even if somebody edits it.
var ours = regexp.MustCompile(`^snug-\d{4}-\d\d-\d\dT\d{6}Z\.tar$`)

// Entry is a backup in a folder.
type Entry struct {
	Name  string    `json:"name"`
	Size  int64     `json:"size"` // 0: not known yet
	Taken time.Time `json:"taken"`
}

// list is what the list holds.
type list struct {
	Backups []Entry `json:"backups"`           // good ones, oldest first
	Writing *Entry  `json:"writing,omitempty"` // one that isn't known to be good yet
}

// folder is an open folder of backups. Nothing in it is reached through links that lead out of it.
type folder struct {
	path string
	root *os.Root
	list list
	text []byte // of the list, as this process last read or wrote it
}

// open opens a folder and reads its list.
func open(path string) (*folder, error) {
	root, err := os.OpenRoot(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("the folder of backups %s isn't there: %w. Create it, with mode 700, for the user that "+
			"Snug runs as, or mount its disk, or set SNUG_BACKUP_DIR to another", path, err)
	}
	if info, e := os.Stat(path); err != nil && e == nil && !info.IsDir() {
		return nil, fmt.Errorf("%s isn't a folder. Set SNUG_BACKUP_DIR to one", path)
	}
	if err != nil {
		return nil, explain(path, err)
	}
	f := &folder{path: path, root: root}
	f.text, err = root.ReadFile(listName)
	if err == nil {
		err = json.Unmarshal(f.text, &f.list)
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		f.close()
		return nil, fmt.Errorf("can't read %s, the list of the backups that Snug took: %w. Remove that file; Snug "+
			"then keeps the backups that are there, and starts a new list", filepath.Join(path, listName), err)
	}
	return f, nil
}

func (f *folder) close() { _ = f.root.Close() }

// explain names the next step for what often goes wrong with a folder.
func explain(path string, err error) error {
	switch {
	case errors.Is(err, fs.ErrPermission), errors.Is(err, syscall.EROFS):
		return fmt.Errorf("can't write to the folder of backups %s: %w. Make the user that Snug runs as its owner; if "+
			"systemd starts Snug, add the folder to ReadWritePaths in the unit", path, err)
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		return fmt.Errorf("there's no room for a backup in %s, or in the folder for temporary files: %w. Free some "+
			"space, lower SNUG_BACKUP_KEEP, or set SNUG_BACKUP_DIR to another folder", path, err)
	}
	return err
}

// save writes the list, whole or not at all. It fails if another process has written one since: it took over, because
// this one took too long.
func (f *folder) save() error {
	there, err := f.root.ReadFile(listName)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if !bytes.Equal(there, f.text) {
		return fmt.Errorf("another process has taken over the folder of backups %s. See its log", f.path)
	}
	b, err := json.MarshalIndent(f.list, "", "  ")
	if err != nil {
		return err
	}
	const next = "." + listName + ".next"
	w, err := f.root.OpenFile(next, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	b = append(b, '\n')
	_, err = w.Write(b)
	if err = errors.Join(err, w.Sync(), w.Close()); err != nil {
		return errors.Join(err, f.root.Remove(next))
	}
	if err := f.root.Rename(next, listName); err != nil {
		return err
	}
	f.text = b
	return nil
}

// is reports whether a backup's file is there as it was written: a regular file of that size.
func (f *folder) is(e Entry) bool {
	info, err := f.root.Lstat(e.Name)
	return err == nil && e.Size > 0 && ours.MatchString(e.Name) && info.Mode().IsRegular() && info.Size() == e.Size
}

// tidy removes what a process left that died while it wrote or checked a backup.
func (f *folder) tidy() error {
	e := f.list.Writing
	if e == nil {
		return nil
	}
	if ours.MatchString(e.Name) {
		parts, err := fs.Glob(f.root.FS(), "."+e.Name+partial+"*")
		if err != nil {
			return err
		}
		for _, name := range parts {
			if info, err := f.root.Lstat(name); err != nil || !info.Mode().IsRegular() {
				continue
			}
			if err := f.root.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
				return err
			}
		}
	}
	return f.drop()
}

// drop removes a backup that isn't known to be good, and what the list says of it.
func (f *folder) drop() error {
	if e := *f.list.Writing; f.is(e) {
		if err := f.root.Remove(e.Name); err != nil {
			return err
		}
	}
	f.list.Writing = nil
	return f.save()
}

// add writes a backup, checks it, and puts it on the list. What it wrote is gone after an error.
func (f *folder) add(
	at time.Time, write func(io.Writer) error, check func(path string) error,
) (e Entry, err error) {
	if err := f.tidy(); err != nil {
		return e, err
	}
	e = Entry{Name: at.UTC().Format(nameForm), Taken: at.UTC()}
	f.list.Writing = &e
	if err := f.save(); err != nil { // before there's anything: otherwise a crash leaves a file that nobody knows
		return e, err
	}
	path := filepath.Join(f.path, e.Name)
	err = Write(path, func(w io.Writer) error {
		counted := &counter{w: w}
		if err := write(counted); err != nil {
			return err
		}
		e.Size = counted.n
		return f.save()
	})
	if err != nil {
		f.list.Writing = nil // Write has removed its own; a file of that name, if there's one, is somebody else's
		return e, errors.Join(err, f.save())
	}
	if err := check(path); err != nil {
		return e, errors.Join(err, f.drop())
	}
	f.list.Writing = nil
	f.list.Backups = append(f.list.Backups, e)
	return e, f.save()
}

// good returns the backups that are there as they were written, in the order in which they were, which no clock can
// change.
func (f *folder) good() []Entry {
	return slices.DeleteFunc(slices.Clone(f.list.Backups), func(e Entry) bool { return !f.is(e) })
}

// prune removes the oldest backups on the list until there are no more than keep, and never the newest. What has
// changed since it was written is somebody else's now: it leaves the list and stays.
func (f *folder) prune(keep int) (err error) {
	f.list.Backups = f.good()
	for len(f.list.Backups) > max(1, keep) && err == nil {
		err = f.root.Remove(f.list.Backups[0].Name)
		if err == nil || errors.Is(err, fs.ErrNotExist) {
			f.list.Backups, err = f.list.Backups[1:], nil
		}
	}
	return errors.Join(err, f.save())
}

// counter counts what is written.
type counter struct {
	w io.Writer
	n int64
}

func (c *counter) Write(b []byte) (int, error) {
	n, err := c.w.Write(b)
	c.n += int64(n)
	return n, err
}

// Look checks that a folder can be written to, and returns the newest backup in it that Snug took on its schedule.
func Look(path string) (newest Entry, ok bool, err error) {
	f, err := open(path)
	if err != nil {
		return newest, false, err
	}
	defer f.close()
	try, err := os.CreateTemp(path, ".doctor-*")
	if err != nil {
		return newest, false, explain(path, err)
	}
	_, err = try.WriteString("ok")
	if err := errors.Join(err, try.Sync(), try.Close(), os.Remove(try.Name())); err != nil {
		return newest, false, explain(path, err)
	}
	all := f.good()
	if len(all) == 0 {
		return newest, false, nil
	}
	return all[len(all)-1], true, nil
}

// partial is in the names of files that are being written.
const partial = ".partial-"

// Write makes a file that doesn't exist yet, all of it or nothing: it is written under another name, and gets its own
// once it's on the disk.
func Write(path string, write func(io.Writer) error) (err error) {
	if _, err := os.Lstat(path); err == nil {
		return fmt.Errorf("can't write the backup: %s exists. Choose a file that doesn't exist yet", path)
	}
	folder := filepath.Dir(path)
	f, err := os.CreateTemp(folder, "."+filepath.Base(path)+partial+"*") // with mode 600
	if err != nil {
		return fmt.Errorf("can't write the backup: %w. "+
			"Choose a file that doesn't exist yet, in a folder you may write to", err)
	}
	defer func() {
		if e := os.Remove(f.Name()); e != nil && !errors.Is(e, fs.ErrNotExist) {
			err = errors.Join(err, e)
		}
	}()
	if err := errors.Join(write(f), f.Sync(), f.Close()); err != nil {
		return err
	}
	err = os.Link(f.Name(), path) // unlike a rename, it replaces nothing
	if err != nil && !errors.Is(err, fs.ErrExist) {
		err = os.Rename(f.Name(), path) // a file system without links
	}
	if err != nil {
		return fmt.Errorf("can't write the backup: %w", err)
	}
	if d, err := os.Open(folder); err == nil { // where a folder can be synced, a power cut keeps its new name
		_ = d.Sync()
		_ = d.Close()
	}
	return nil
}
