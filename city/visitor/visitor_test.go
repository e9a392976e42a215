package visitor_test

import (
	"slices"
	"strings"
	"testing"

	"meldefunk/city/visitor"
)

// TestRoles holds the table against what docs/access.md promises, written down here once more.
func TestRoles(t *testing.T) {
	const readers = "read:readings,read:tickets,read:rules,read:devices,read:sensorthings"
	want := map[visitor.Role]string{
		"viewer":     readers,
		"crew":       readers + ",write:tours",
		"dispatcher": readers + ",write:tours,write:tickets,write:rules",
		"technician": readers + ",read:platform,write:devices",
		"admin":      visitor.AllPermissions().String(),
		"":           "",
		"root":       "",
	}
	for role, may := range want {
		if got := role.May().String(); got != may {
			t.Errorf("%q may %s, want %s", role, got, may)
		}
		parsed, err := visitor.ParseRole(string(role))
		if (err == nil) != (may != "") || err == nil && parsed != role {
			t.Errorf("%q parses to %q, %v", role, parsed, err)
		}
		if (role.German() != "") != (may != "") {
			t.Errorf("%q is called %q", role, role.German())
		}
	}
	if len(visitor.Roles()) != len(want)-2 {
		t.Errorf("roles: %v", visitor.Roles())
	}
}

func TestPermissions(t *testing.T) {
	all := visitor.AllPermissions()
	again, err := visitor.ParsePermissions(strings.ReplaceAll(all.String(), ",", ", "))
	if err != nil || !slices.Equal(again, all) {
		t.Errorf("%v became %v, %v", all, again, err)
	}
	for _, p := range all {
		if read := visitor.ReadPermissions().Have(p); read != strings.HasPrefix(string(p), "read:") {
			t.Errorf("%s changes nothing: %v", p, read)
		}
	}
	for text, want := range map[string]string{
		"": `"": want some of read:readings`, "read:all": `"read:all"`, "admin,admin": "admin stands twice", "admin,": `""`,
	} {
		if _, err := visitor.ParsePermissions(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %s", text, err, want)
		}
	}
}

func TestNobodyMayNothing(t *testing.T) {
	if v := visitor.From(t.Context()); v.May != nil || v.Local || v.Name != "" {
		t.Errorf("of a context without a visitor: %+v", v)
	}
	want := visitor.Visitor{Name: "Erika Mustermann", Role: visitor.Crew, May: visitor.Crew.May()}
	if v := visitor.From(visitor.With(t.Context(), want)); v.Name != want.Name || v.Role != want.Role || !v.May.Have(visitor.WriteTours) {
		t.Errorf("%+v, want %+v", v, want)
	}
}
