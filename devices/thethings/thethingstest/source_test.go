package thethingstest

import (
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestSource holds the tables of this package (fields of a device, which of them each registry
// allows, versions, rights, bounds and paths) against the source of The Things Stack, where
// MELDEFUNK_TTS_SOURCE names a checkout of it. It was last held against that of v3.32.1. CI does
// not run it: it needs the checkout, and nothing of ours changes what it says. Whoever raises
// the version that the package comment of devices/thethings names runs it against that one, and
// mends what differs.
func TestSource(t *testing.T) {
	root := os.Getenv("MELDEFUNK_TTS_SOURCE")
	if root == "" {
		t.Skip("compares our tables of The Things Stack with its source; last done with that of v3.32.1. " +
			"Not for CI, but for whoever raises that version: name a checkout of github.com/TheThingsNetwork/lorawan-stack in MELDEFUNK_TTS_SOURCE")
	}
	source := func(name string) string {
		b, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(name)))
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	quoted := regexp.MustCompile(`"([a-z0-9_.]+)",`)
	// list gives the texts of the Go list that begins with a line.
	list := func(text, begin string) []string {
		_, rest, ok := strings.Cut(text, begin)
		if !ok {
			t.Fatalf("%q is not in the source", begin)
		}
		rest, _, _ = strings.Cut(rest, "}")
		var all []string
		for _, m := range quoted.FindAllStringSubmatch(rest, -1) {
			all = append(all, m[1])
		}
		if len(all) < 5 {
			t.Fatalf("%q begins a list of %d", begin, len(all))
		}
		return all
	}

	all := list(source("pkg/ttnpb/end_device.pb.paths.fm.go"), "var EndDeviceFieldPathsNested = []string{")
	paths := slices.AppendSeq(slices.Collect(maps.Keys(leaves)), maps.Keys(branches))
	for _, p := range paths {
		if !slices.Contains(all, p) {
			t.Errorf("EndDevice has no field %s", p)
		}
	}

	masks := source("pkg/ttnpb/field_mask_validation.go")
	rpc := func(name string) []string {
		_, rest, _ := strings.Cut(masks, `"/ttn.lorawan.v3.`+name+`": {`)
		return list(rest, "Allowed: []string{")
	}
	for _, c := range []struct {
		registry Registry
		set      bool
		real     []string
	}{
		{Identity, false, list(masks, "var isEndDeviceReadFieldPaths = []string{")},
		{Identity, true, list(masks, "var isEndDeviceWriteFieldPaths = []string{")},
		{Join, false, rpc("JsEndDeviceRegistry/Get")},
		{Join, true, rpc("JsEndDeviceRegistry/Set")},
		{Network, false, list(masks, "var nsEndDeviceReadFieldPaths = [...]string{")},
		{Network, true, rpc("NsEndDeviceRegistry/Set")},
		{Application, false, rpc("AsEndDeviceRegistry/Get")},
		{Application, true, rpc("AsEndDeviceRegistry/Set")},
	} {
		ours := Allowed(c.registry, c.set)
		for _, p := range paths {
			if slices.Contains(ours, p) != slices.Contains(c.real, p) {
				t.Errorf("%s set=%v: %s is allowed %v here, %v there", c.registry, c.set, p, slices.Contains(ours, p), slices.Contains(c.real, p))
			}
		}
	}

	enums := source("api/ttn/lorawan/v3/lorawan.proto")
	for _, name := range append(macVersions(), phyVersions()...) {
		if !strings.Contains(enums, "  "+name+" = ") {
			t.Errorf("no version is called %s", name)
		}
	}
	for _, right := range []string{Read, Write, ReadKeys, WriteKeys} {
		if !strings.Contains(source("api/ttn/lorawan/v3/rights.proto"), "  "+right+" = ") {
			t.Errorf("no right is called %s", right)
		}
	}
	for name, want := range map[string][]string{
		"api/ttn/lorawan/v3/identifiers.proto": {`string device_id = 1 [(validate.rules).string = {
    pattern: "` + idForm.String() + `",
    max_len: 36`},
		"api/ttn/lorawan/v3/end_device.proto": {
			"string name = 4 [(validate.rules).string.max_len = 50]", "string description = 5 [(validate.rules).string.max_len = 2000]",
			"max_pairs: 10", "string: {max_len: 200}",
		},
		"api/ttn/lorawan/v3/end_device_services.proto": {
			`post: "/applications/{end_device.ids.application_ids.application_id}/devices"`,
			`put: "/applications/{end_device.ids.application_ids.application_id}/devices/{end_device.ids.device_id}"`,
			`delete: "/applications/{application_ids.application_id}/devices/{device_id}"`,
		},
		"api/ttn/lorawan/v3/search_services.proto": {`get: "/search/applications/{application_ids.application_id}/devices"`, "string dev_eui_contains = 6"},
		"api/ttn/lorawan/v3/joinserver.proto":      {`put: "/js/applications/{end_device.ids.application_ids.application_id}/devices/{end_device.ids.device_id}"`},
		"api/ttn/lorawan/v3/networkserver.proto":   {`put: "/ns/applications/{end_device.ids.application_ids.application_id}/devices/{end_device.ids.device_id}"`},
		"api/ttn/lorawan/v3/applicationserver.proto": {
			`put: "/as/applications/{end_device.ids.application_ids.application_id}/devices/{end_device.ids.device_id}"`,
		},
	} {
		for _, w := range want {
			if !strings.Contains(source(name), w) {
				t.Errorf("%s does not say %q", name, w)
			}
		}
	}
}
