package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/rs/zerolog"

	"meldefunk/city/register"
	"meldefunk/decoders"
	"meldefunk/devices"
	"meldefunk/rules"
	"meldefunk/storage/sqlite"
)

// example is a fenced block of the documentation whose fence says, after the language,
// what it is an example of.
type example struct{ where, kind, text string }

// marked is the opening fence of an example: "```yaml rules".
var marked = regexp.MustCompile("^```(yaml|csv|sql) ([a-z]+)$")

// TestDocs loads every example of the documentation with what loads it in production.
func TestDocs(t *testing.T) {
	db := emptyDatabase(t)
	config := func(where, text string) error {
		s, err := parseSettings(where, []byte(text))
		if err == nil {
			_, err = loadRoutes(s, rules.Default())
		}
		return err
	}
	load := map[string]func(e example) error{
		"yaml config": func(e example) error { return config(e.where, e.text) },
		"yaml section": func(e example) error { // a part of the configuration
			const rest = "inventory: [inventory.yaml]\nnetwork_servers: [{name: ns, dialect: chirpstack-v4, broker: mqtt://127.0.0.1}]\n"
			return config(e.where, rest+e.text)
		},
		"yaml rules": func(e example) error {
			_, err := rules.Load(e.where, []byte(e.text))
			return err
		},
		"yaml ruletest": func(e example) error {
			trials, err := rules.LoadTrials(e.where, []byte(e.text), func(string) (*rules.Set, error) { return rules.Default(), nil })
			if err != nil {
				return err
			}
			results, err := trials.Run()
			for _, r := range results {
				for _, f := range r.Failures {
					err = errors.Join(err, fmt.Errorf("%s: line %d: %s", r.Name, f.Line, f.String()))
				}
			}
			return err
		},
		"yaml inventory": func(e example) error { return loadInventory(t, "inventory.yaml", e.text) },
		"csv inventory":  func(e example) error { return loadInventory(t, "inventory.csv", e.text) },
		"sql query": func(e example) error {
			_, err := db.Exec(e.text)
			return err
		},
	}
	seen := map[string]bool{}
	for _, e := range examples(t) {
		if load[e.kind] == nil {
			t.Errorf("%s: nothing loads examples of %q", e.where, e.kind)
			continue
		}
		seen[e.kind] = true
		if err := load[e.kind](e); err != nil {
			t.Errorf("%s: %v", e.where, err)
		}
	}
	for kind := range load {
		if !seen[kind] {
			t.Errorf("no example of %q was found", kind)
		}
	}
}

// TestDocsNameEveryColumn holds docs/sqlite.md against the schema.
func TestDocsNameEveryColumn(t *testing.T) {
	doc, err := os.ReadFile("../../docs/sqlite.md")
	if err != nil {
		t.Fatal(err)
	}
	db := emptyDatabase(t)
	for _, row := range rows(t, db, `SELECT m.name, c.name FROM sqlite_schema m, pragma_table_info(m.name) c WHERE m.type = 'table'`) {
		table, column, _ := strings.Cut(row, "|")
		_, section, found := strings.Cut(string(doc), "\n### "+table+"\n")
		section, _, _ = strings.Cut(section, "\n#")
		if !found || !strings.Contains(section, "`"+column+"`") {
			t.Errorf("docs/sqlite.md does not describe %s.%s", table, column)
		}
	}
}

// TestDocsNameEveryDependency holds docs/dependencies.md against go.mod.
func TestDocsNameEveryDependency(t *testing.T) {
	doc, err := os.ReadFile("../../docs/dependencies.md")
	if err != nil {
		t.Fatal(err)
	}
	mod, err := os.ReadFile("../../go.mod")
	if err != nil {
		t.Fatal(err)
	}
	direct := regexp.MustCompile(`(?m)^\t(\S+) v\S+$`).FindAllStringSubmatch(string(mod), -1)
	if len(direct) == 0 {
		t.Fatal("no direct requirement found in go.mod")
	}
	for _, m := range direct {
		if !strings.Contains(string(doc), "`"+m[1]+"`") {
			t.Errorf("docs/dependencies.md does not describe %s", m[1])
		}
	}
}

// examples finds them at the root and below docs.
func examples(t *testing.T) []example {
	t.Helper()
	root := os.DirFS(filepath.Join("..", ".."))
	files, err := fs.Glob(root, "*.md")
	if err != nil {
		t.Fatal(err)
	}
	err = fs.WalkDir(root, "docs", func(name string, _ fs.DirEntry, err error) error {
		if strings.HasSuffix(name, ".md") {
			files = append(files, name)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	var all []example
	for _, name := range files {
		data, err := fs.ReadFile(root, name)
		if err != nil {
			t.Fatal(err)
		}
		var open *example
		for i, line := range strings.Split(string(data), "\n") {
			m := marked.FindStringSubmatch(line)
			switch {
			case open == nil && m != nil:
				open = &example{where: fmt.Sprintf("%s, example after line %d", name, i+1), kind: m[1] + " " + m[2]}
			case open != nil && line == "```":
				all, open = append(all, *open), nil
			case open != nil:
				open.text += line + "\n"
			}
		}
		if open != nil {
			t.Errorf("%s: has no end", open.where)
		}
	}
	return all
}

func loadInventory(t *testing.T, name, text string) error {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := devices.Load([]string{path}, register.Snapshot{}, decoders.New())
	return err
}

// emptyDatabase has the schema and nothing in it.
func emptyDatabase(t *testing.T) *sql.DB {
	t.Helper()
	dir := t.TempDir()
	store, err := sqlite.Open(context.Background(), dir, zerolog.Nop())
	if err != nil {
		t.Fatal(err)
	}
	db, err := sql.Open("sqlite", "file:"+filepath.Join(dir, sqlite.FileName))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	})
	return db
}
