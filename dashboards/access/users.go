package access

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"

	"meldefunk/city/visitor"
)

// usersHeader is the first line of a file of users.
const usersHeader = "name;role;password"

// User is somebody with a password.
type User struct {
	Name string
	Role visitor.Role
	hash phc
}

// Users is a file of users: a header, and one a line. The platform reads it; meldefunk user
// writes it, and leaves comments where they are.
type Users struct {
	path  string
	lines []line
	byKey map[string]User
}

// ReadUsers reads a file, and gives every problem with file and line.
func ReadUsers(path string) (*Users, error) {
	lines, err := readLines(path, usersHeader)
	if err != nil {
		return nil, err
	}
	return parseUsers(path, lines)
}

// OpenUsers is ReadUsers, but that a file that is not there is an empty one.
func OpenUsers(path string) (*Users, error) {
	us, err := ReadUsers(path)
	if errors.Is(err, fs.ErrNotExist) {
		return &Users{path: path, lines: []line{{text: usersHeader}}, byKey: map[string]User{}}, nil
	}
	return us, err
}

func parseUsers(path string, lines []line) (*Users, error) {
	us := &Users{path: path, lines: lines, byKey: map[string]User{}}
	var errs []error
	for _, l := range lines {
		if l.fields == nil {
			continue
		}
		u, err := parseUser(l.fields)
		if _, twice := us.byKey[u.Name]; err == nil && twice {
			err = fmt.Errorf("name %q stands twice", u.Name)
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("%s:%d: %w", path, l.number, err))
			continue
		}
		us.byKey[u.Name] = u
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return us, nil
}

func parseUser(fields []string) (u User, err error) {
	var errs [3]error
	u.Name, errs[0] = fields[0], checkName(fields[0])
	u.Role, errs[1] = visitor.ParseRole(fields[1])
	u.hash, errs[2] = parsePHC(fields[2])
	return u, errors.Join(errs[:]...)
}

// All are the users in the order of the file.
func (us *Users) All() []User {
	var all []User
	for _, l := range us.lines {
		if l.fields != nil {
			all = append(all, us.byKey[l.fields[0]])
		}
	}
	return all
}

// Put adds a user, or changes the one of this name. An empty hash leaves the password as it is.
func (us *Users) Put(name string, role visitor.Role, hash string) error {
	old, known := us.byKey[name]
	if hash == "" && known {
		hash = old.hash.String()
	}
	fields := []string{name, string(role), hash}
	u, err := parseUser(fields)
	if err != nil {
		return err
	}
	us.byKey[name] = u
	fresh := line{text: fmt.Sprintf("%s;%s;%s", name, role, hash), fields: fields}
	if i := us.find(name); i >= 0 {
		us.lines[i] = fresh
	} else {
		us.lines = append(us.lines, fresh)
	}
	return nil
}

// Get gives a user.
func (us *Users) Get(name string) (User, bool) {
	u, known := us.byKey[name]
	return u, known
}

// Remove takes a user out; false: there is none of this name.
func (us *Users) Remove(name string) bool {
	i := us.find(name)
	if i < 0 {
		return false
	}
	us.lines = slices.Delete(us.lines, i, i+1)
	delete(us.byKey, name)
	return true
}

func (us *Users) find(name string) int {
	return slices.IndexFunc(us.lines, func(l line) bool { return l.fields != nil && l.fields[0] == name })
}

// Save writes the file.
func (us *Users) Save() error { return writeLines(us.path, us.lines) }
