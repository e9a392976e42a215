package label

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
	"unicode"

	"meldefunk/city/lorawan"
	"meldefunk/city/lorawan/enrol"
)

// The forms of vendors, and where they are told:
//
//   - the DevEUI alone: Dragino, and tens of thousands of devices (The Things Stack,
//     issue 5953 and pull request 6272)
//   - DevEUI:AppEUI: Tektelic (the same issue)
//   - article;DevEUI;AppEUI;AppKey: labels of resellers, without the article too
//   - names and values: JSON as of the code generator for The Things Network's app
//     (async-la/ttn-mobile), lines as in the NFC tag of Elsys ("NFC settings
//     specification", 2017), and the query of a web address
//
// Where nothing says which of two EUIs is the device's, none is guessed.
func vendor(s string) (Code, Extra, error) {
	if dev, join, ok := strings.Cut(s, ":"); ok {
		d, isDev := bareEUI(dev)
		j, isJoin := bareEUI(join)
		if isDev && isJoin {
			return fromFields(Pair, map[field]string{devEUI: d, joinEUI: j})
		}
	}
	if isKey(s) {
		return Code{}, Extra{}, errors.New("32 hex digits alone are a key, not a device: the code with the DevEUI is elsewhere on the label")
	}
	if e, ok := bareEUI(s); ok {
		return fromFields(Alone, map[field]string{devEUI: e})
	}
	if strings.HasPrefix(s, "{") {
		named, err := fromJSON(s)
		if err != nil {
			return Code{}, Extra{}, err
		}
		return fromFields(Named, named)
	}
	if u, err := url.Parse(s); err == nil && u.Host != "" {
		return fromAddress(u)
	}
	named, err := fromPairs(s)
	switch {
	case err != nil:
		return Code{}, Extra{}, err
	case named[devEUI] != "":
		return fromFields(Named, named)
	}
	if listed, ok := fromList(s); ok {
		return fromFields(Listed, listed)
	}
	return Code{}, Extra{}, unknown(s)
}

// field is what a vendor's code may hold.
type field string

const (
	devEUI  field = "DevEUI"
	joinEUI field = "JoinEUI"
	appKey  field = "AppKey"
	nwkKey  field = "NwkKey"
	serial  field = "serial number"
	article field = "article"
)

// fieldOf knows the names of fields; case, spaces, "_" and "-" do not matter.
func fieldOf(name string) (field, bool) {
	name = strings.Map(func(r rune) rune {
		if strings.ContainsRune(` _-"'`, r) {
			return -1
		}
		return r
	}, strings.ToLower(name))
	switch name {
	case "deveui", "deviceeui", "eui":
		return devEUI, true
	case "joineui", "appeui", "applicationeui":
		return joinEUI, true
	case "appkey", "applicationkey":
		return appKey, true
	case "nwkkey", "networkkey":
		return nwkKey, true
	case "sn", "serial", "serialnumber", "serialno":
		return serial, true
	case "pn", "partnumber", "model":
		return article, true
	}
	return "", false
}

// put keeps a field, unless another value of it is there.
func put(fields map[field]string, name, value string) error {
	f, known := fieldOf(name)
	value = strings.Trim(strings.TrimSpace(value), `"'`)
	if !known || value == "" {
		return nil
	}
	if old, there := fields[f]; there && !strings.EqualFold(old, value) {
		return fmt.Errorf("the code tells two different values of its %s: scan again, or type in the right one", f)
	}
	fields[f] = value
	return nil
}

func fromJSON(s string) (map[field]string, error) {
	var object map[string]any
	if json.Unmarshal([]byte(s), &object) != nil {
		return nil, errors.New("the code looks like JSON and is not: it breaks off, or a character is wrong; scan again")
	}
	fields := map[field]string{}
	for _, name := range slices.Sorted(maps.Keys(object)) {
		if value, ok := object[name].(string); ok {
			if err := put(fields, name, value); err != nil {
				return nil, err
			}
		}
	}
	if fields[devEUI] == "" {
		return nil, errors.New(`the code is JSON without a field "DevEUI": type in the DevEUI from the label`)
	}
	return fields, nil
}

func fromAddress(u *url.URL) (Code, Extra, error) {
	fields := map[field]string{}
	query := u.Query()
	for _, name := range slices.Sorted(maps.Keys(query)) {
		for _, value := range query[name] {
			if err := put(fields, name, value); err != nil {
				return Code{}, Extra{}, err
			}
		}
	}
	if fields[devEUI] == "" {
		return Code{}, Extra{}, errors.New("the code is a web address that does not tell a DevEUI: type in the one from the label")
	}
	return fromFields(Named, fields)
}

// fromPairs reads "name: value" or "name=value" on lines or between ";", "," and "|".
func fromPairs(s string) (map[field]string, error) {
	fields := map[field]string{}
	for pair := range strings.FieldsFuncSeq(s, func(r rune) bool { return strings.ContainsRune("\r\n\t;,|", r) }) {
		if i := strings.IndexAny(pair, ":="); i > 0 {
			if err := put(fields, pair[:i], pair[i+1:]); err != nil {
				return nil, err
			}
		}
	}
	return fields, nil
}

// fromList reads [article;]DevEUI;AppEUI;AppKey. What has another shape is not read: a
// gateway's code has two numbers of 16 digits too.
func fromList(s string) (map[field]string, bool) {
	parts := strings.Split(strings.TrimSuffix(s, ";"), ";")
	fields := map[field]string{}
	if len(parts) == 4 {
		fields[article], parts = strings.TrimSpace(parts[0]), parts[1:]
	}
	if len(parts) != 3 {
		return nil, false
	}
	dev, isDev := bareEUI(parts[0])
	join, isJoin := bareEUI(parts[1])
	key := strings.TrimSpace(parts[2])
	if !isDev || !isJoin || !isKey(key) {
		return nil, false
	}
	fields[devEUI], fields[joinEUI], fields[appKey] = dev, join, key
	return fields, true
}

// fromFields makes the code. No error shows a value: two fields may have changed places.
func fromFields(form Form, fields map[field]string) (c Code, x Extra, err error) {
	x.Form = form
	if c.DevEUI, err = eui("DevEUI", digits(fields[devEUI])); err != nil {
		return Code{}, Extra{}, fmt.Errorf("code of form %q: %w", form, err)
	}
	if fields[joinEUI] == "" {
		x.NoJoinEUI = true
	} else if c.JoinEUI, err = eui("JoinEUI", digits(fields[joinEUI])); err != nil {
		return Code{}, Extra{}, fmt.Errorf("code of form %q: %w", form, err)
	}
	if x.Keys, err = rootKeys(fields); err != nil {
		return Code{}, Extra{}, fmt.Errorf("code of form %q: %w", form, err)
	}
	e := extension{'S', "serial number", strings.ToUpper(fields[serial])}
	if e.check() == nil && !looksLikeKey(e.value) { // elsewhere it is good to have, not needed
		c.Serial = e.value
	}
	p := fields[article]
	if len(p) <= 64 && !looksLikeKey(p) && strings.IndexFunc(p, func(r rune) bool { return !unicode.IsPrint(r) }) < 0 {
		x.Part = p
	}
	return c, x, nil
}

func rootKeys(fields map[field]string) (k enrol.RootKeys, err error) {
	read := func(f field, into *lorawan.Key) {
		if fields[f] == "" || err != nil {
			return
		}
		if *into, err = lorawan.ParseKey(digits(fields[f])); err != nil {
			err = fmt.Errorf("its %s is %w", f, err)
		}
	}
	read(nwkKey, &k.Nwk)
	if fields[nwkKey] == "" {
		read(appKey, &k.Nwk)
	} else {
		read(appKey, &k.App)
	}
	if err != nil {
		return enrol.RootKeys{}, err
	}
	return k, nil
}

// digits takes out separators, and a 0x before.
func digits(s string) string {
	return strings.TrimPrefix(strings.Map(func(r rune) rune {
		if strings.ContainsRune(separators, r) {
			return -1
		}
		return r
	}, strings.ToLower(s)), "0x")
}

// bareEUI gives the 16 hex digits of an EUI as people write it, between whose digits there
// may be separators.
func bareEUI(s string) (string, bool) {
	d := digits(strings.TrimSpace(s))
	return d, len(d) == 16 && onlyHex(d)
}

func isKey(s string) bool {
	d := digits(strings.TrimSpace(s))
	return len(d) == 32 && onlyHex(d)
}

func onlyHex(s string) bool {
	for i := range len(s) {
		if !isHex(s[i]) {
			return false
		}
	}
	return true
}

// unknown says what was seen, without a word of it.
func unknown(s string) error {
	euis := 0
	parts := strings.FieldsFunc(s, func(r rune) bool { return strings.ContainsRune("\r\n\t;,|: ", r) })
	for _, p := range parts {
		if _, ok := bareEUI(p); ok {
			euis++
		}
	}
	seen := fmt.Sprintf("a text of %d characters in %d parts", len([]rune(s)), len(parts))
	switch {
	case euis > 1:
		seen += fmt.Sprintf(", %d of them like EUIs, and nothing tells which is the device's", euis)
	case strings.Trim(s, "0123456789") == "":
		seen = fmt.Sprintf("a number of %d digits, perhaps a serial number", len(s))
	}
	return fmt.Errorf("no known device code, but %s: want TR005 (LW:D0:…) or a DevEUI of 16 hex digits; type in the one from the label", seen)
}
