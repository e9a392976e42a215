package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

const module = "meldefunk/"

// fronts are the rooms of floor 2. Their child folders are floor 1, city and its child
// folders are floor 0.
var fronts = []string{
	"gateway-bridge", "decoders", "devices", "storage", "rules", "tickets", "dashboards", "firmware-sim", "pipeline",
}

// floor gives the floor of a folder below the module's root and the front it belongs to.
func floor(folder string) (int, string) {
	top, rest, _ := strings.Cut(folder, "/")
	switch {
	case top == "city":
		return 0, ""
	case top == "cmd":
		return 3, folder
	case rest != "":
		return 1, top
	}
	return 2, top
}

// allowed tells whether a file in folder may import target. An arrow only goes down:
// a command imports everything but another command; a front imports city and its own
// children; a child imports city and what lies below it in its own folder. City means it and
// its child folders, which may build on one another; city itself imports nothing of ours. Tests may also use
// children of other fronts: they are the real parts, and better than imitations.
func allowed(folder, target string, test bool) bool {
	from, front := floor(folder)
	to, its := floor(target)
	switch {
	case folder == target:
		return true
	case to == 0:
		return folder != "city"
	case from == 3:
		return to < 3
	case from == 2 && to == 1:
		return its == front || test
	case from == 1 && to == 1:
		return strings.HasPrefix(target, folder+"/") || test
	}
	return false
}

// TestFloors reads the import lines of every file. Reading them (not asking the go
// command) lets the test cache notice a change.
func TestFloors(t *testing.T) {
	seen := map[string]bool{}
	eachFile(t, func(folder, file string, f *ast.File) {
		top, _, _ := strings.Cut(folder, "/")
		seen[top] = true
		for _, imp := range f.Imports {
			name, err := strconv.Unquote(imp.Path.Value)
			if err != nil {
				t.Fatal(err)
			}
			target, ours := strings.CutPrefix(name, module)
			if ours && !allowed(folder, target, strings.HasSuffix(file, "_test.go")) {
				t.Errorf("%s imports %s: an arrow only goes down (docs/ARCHITECTURE.md)", path.Join(folder, file), name)
			}
		}
	})
	for _, front := range append(fronts, "city", "cmd") {
		if !seen[front] {
			t.Errorf("no Go file found in %s: does this test look at the right folder?", front)
		}
		delete(seen, front)
	}
	for folder := range seen {
		t.Errorf("folder %s is on no floor: add it to docs/ARCHITECTURE.md and to this test", folder)
	}
}

// TestFloorsNotice makes sure that the test above can fail.
func TestFloorsNotice(t *testing.T) {
	for _, c := range []struct {
		folder, target string
		test, want     bool
	}{
		{"cmd/meldefunk", "pipeline", false, true},
		{"cmd/meldefunk", "storage/sqlite", false, true},
		{"cmd/meldefunk", "cmd/other", false, false},
		{"pipeline", "city", false, true},
		{"pipeline", "storage/sqlite", false, false},
		{"pipeline", "storage/sqlite", true, true},
		{"pipeline", "rules", true, false},
		{"tickets", "tickets/open311", false, true},
		{"tickets/open311", "tickets", false, false},
		{"tickets/open311", "tickets/georeport", false, false},
		{"tickets/open311", "tickets/georeport", true, true},
		{"storage/sqlite", "city", false, true},
		{"city", "pipeline", false, false},
		{"firmware-sim", "city/lorawan", false, true},
		{"gateway-bridge/chirpstack", "city/lorawan", false, true},
		{"city/lorawan", "city/lorawan", true, true},
		{"city/lorawan", "city", false, true},
		{"city/register", "city/lorawan/enrol", false, true},
		{"city/lorawan", "firmware-sim", false, false},
		{"city", "city/lorawan", false, false},
		{"city", "city/lorawan", true, false},
	} {
		if got := allowed(c.folder, c.target, c.test); got != c.want {
			t.Errorf("%s imports %s (test %v): allowed %v, want %v", c.folder, c.target, c.test, got, c.want)
		}
	}
}

// TestPackageComments wants one package comment in every folder: what the package is for
// and what it does not know.
func TestPackageComments(t *testing.T) {
	comments := map[string]int{}
	eachFile(t, func(folder, file string, f *ast.File) {
		if strings.HasSuffix(file, "_test.go") {
			return
		}
		if f.Doc == nil {
			comments[folder] += 0
		} else {
			comments[folder]++
		}
	})
	for folder, n := range comments {
		if n != 1 {
			t.Errorf("%s has %d package comments, want one", folder, n)
		}
	}
}

func eachFile(t *testing.T, visit func(folder, file string, f *ast.File)) {
	t.Helper()
	root := filepath.Join("..", "..")
	err := fs.WalkDir(os.DirFS(root), ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && name != "." && strings.HasPrefix(d.Name(), ".") || d.Name() == "testdata" {
			return fs.SkipDir
		}
		if d.IsDir() || path.Ext(name) != ".go" || path.Dir(name) == "." {
			return nil
		}
		f, err := parser.ParseFile(token.NewFileSet(), filepath.Join(root, name), nil, parser.ImportsOnly|parser.ParseComments)
		if err != nil {
			return err
		}
		visit(path.Dir(name), path.Base(name), f)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
