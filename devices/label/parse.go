package label

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"meldefunk/city"
	"meldefunk/city/lorawan/enrol"
)

// Form is how the text of a code was written.
type Form string

// The forms.
const (
	TR005  Form = "TR005"         // LW:D0:…
	Draft3 Form = "TR005 draft 3" // URN:DEV:LW:…; deprecated
	Draft2 Form = "TR005 draft 2" // URN:LW:DP:…; deprecated
	Named  Form = "named fields"  // DevEUI: …; lines, JSON or the query of a web address
	Listed Form = "list"          // article;DevEUI;AppEUI;AppKey
	Pair   Form = "DevEUI:AppEUI" // two EUIs
	Alone  Form = "DevEUI"        // nothing else. A serial number of 16 digits looks the same
)

// Extra is what a text told beside the code.
type Extra struct {
	Form      Form
	Checked   bool   // there was a checksum, and it is right
	NoJoinEUI bool   // there was no JoinEUI: look into the vendor's list
	Part      string // article number or model, "" where there was none
	// Keys are those of a vendor who prints them. One key alone is that of LoRaWAN 1.0.x,
	// there called AppKey, and in Nwk.
	Keys enrol.RootKeys
	// Ignored has the letters of TR005's extensions that are not in the code, because this
	// package does not know them, or because they look like a key.
	Ignored string
}

// maxText is the most bytes of a text that is read; a QR code has room for 2,953.
const maxText = 4096

// Parse reads what a scanner read off a device or its box: a code of TR005, in either case,
// with its extensions in any order and its checksum checked where there is one; one of its
// deprecated drafts; or one of the forms vendors use (vendor.go). No error repeats more of
// the text than a field's name or a single character: it may hold a key.
func Parse(text string) (Code, Extra, error) {
	s := strings.TrimSpace(strings.TrimPrefix(text, "\ufeff"))
	switch {
	case len(text) > maxText:
		return Code{}, Extra{}, fmt.Errorf("%d bytes are no code: one has at most %d", len(text), maxText)
	case s == "":
		return Code{}, Extra{}, errors.New("there is no text: scan again")
	}
	parts := pieces(s, ":")
	switch {
	case begins(parts, "LW") && len(parts) > 2:
		return alliance(parts, s)
	case begins(parts, "URN", "DEV", "LW"):
		return draft3(parts[3:])
	case begins(parts, "URN", "LW", "DP"):
		return draft2(parts[3:])
	}
	return vendor(s)
}

// pieces cuts a text without its line breaks, in upper case, and trims what is between.
func pieces(s, sep string) []string {
	s = strings.ToUpper(strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return -1
		}
		return r
	}, s))
	parts := strings.Split(s, sep)
	for i := range parts {
		parts[i] = strings.TrimSpace(parts[i])
	}
	return parts
}

func begins(parts []string, with ...string) bool {
	if len(parts) < len(with) {
		return false
	}
	for i, w := range with {
		if parts[i] != w {
			return false
		}
	}
	return true
}

// alliance reads LW:D0:JoinEUI:DevEUI:ProfileID[:extension]… (TR005 section 4.2).
func alliance(parts []string, raw string) (Code, Extra, error) {
	if parts[1] != "D0" {
		return Code{}, Extra{}, errors.New("a LoRaWAN code (LW:) with another schema than D0: only TR005 version 1.0 is known")
	}
	if strings.Count(strings.ToUpper(raw), "LW:D0:") > 1 {
		return Code{}, Extra{}, errors.New("more than one code: scan them one at a time")
	}
	if len(parts) < 5 {
		return Code{}, Extra{}, fmt.Errorf("TR005 code breaks off after %d of its 5 parts: scan again", len(parts))
	}
	c, err := identity(TR005, parts[2], parts[3], parts[4])
	if err != nil {
		return Code{}, Extra{}, err
	}
	x := Extra{Form: TR005}
	covered := parts[:5:5] // by the checksum
	sum := ""
	for _, p := range parts[5:] {
		if p == "" || p[0] != 'C' {
			covered = append(covered, p)
		} else if sum != "" {
			return Code{}, Extra{}, errors.New("TR005 code has two checksums: scan again")
		} else {
			sum = p[1:]
		}
	}
	if sum != "" {
		if err := verify(sum, strings.Join(covered, ":")); err != nil {
			return Code{}, Extra{}, err
		}
		x.Checked = true
	}
	if err := extend(&c, &x, covered[5:], "OSP"); err != nil {
		return Code{}, Extra{}, err
	}
	return c, x, nil
}

func verify(sum, covered string) error {
	v, err := strconv.ParseUint(sum, 16, 16)
	if err != nil || len(sum) != 4 {
		return errors.New("the checksum of the TR005 code is not 4 hex digits: scan again")
	}
	if own := checksum(covered); own != uint16(v) {
		return fmt.Errorf("the checksum of the TR005 code is %04X, and its text gives %04X: a character is wrong; scan again", v, own)
	}
	return nil
}

// draft3 reads JoinEUI_DevEUI_ProfileID[_Vtoken][_Sserial][_Pproprietary] after
// URN:DEV:LW:, as The Things Stack does (lora_alliance_tr005d3.go of its version 3).
func draft3(rest []string) (Code, Extra, error) {
	return draft(Draft3, strings.Split(strings.Join(rest, ":"), "_"))
}

// draft2 reads JoinEUI:DevEUI:ProfileID[:%Vtoken%Sserial%Pproprietary] after URN:LW:DP:, as
// The Things Stack does (lora_alliance_tr005d2.go of its version 3).
func draft2(rest []string) (Code, Extra, error) {
	if len(rest) > 3 {
		rest = slices.Concat(rest[:3], strings.Split(strings.Join(rest[3:], ":"), "%"))
	}
	return draft(Draft2, rest)
}

func draft(form Form, parts []string) (Code, Extra, error) {
	if len(parts) < 3 {
		return Code{}, Extra{}, fmt.Errorf("%s code breaks off after %d of its 3 parts: scan again", form, len(parts))
	}
	c, err := identity(form, parts[0], parts[1], parts[2])
	if err != nil {
		return Code{}, Extra{}, err
	}
	x := Extra{Form: form}
	if err := extend(&c, &x, parts[3:], "VSP"); err != nil {
		return Code{}, Extra{}, err
	}
	return c, x, nil
}

func identity(form Form, join, dev, profile string) (c Code, err error) {
	if c.JoinEUI, err = eui("JoinEUI", join); err != nil {
		return Code{}, fmt.Errorf("%s code: %w", form, err)
	}
	if c.DevEUI, err = eui("DevEUI", dev); err != nil {
		return Code{}, fmt.Errorf("%s code: %w", form, err)
	}
	id, err := strconv.ParseUint(profile, 16, 32)
	if err != nil || len(profile) != 8 {
		return Code{}, fmt.Errorf("%s code: its ProfileID of %d characters is not 8 hex digits: scan again", form, len(profile))
	}
	c.VendorID, c.ProfileID = uint16(id>>16), uint16(id)
	return c, nil
}

// eui reads 16 hex digits. Its error does not repeat them: they might be of a key.
func eui(name, s string) (city.EUI, error) {
	e, err := city.ParseEUI(s)
	switch {
	case err != nil:
		return e, fmt.Errorf("its %s of %d characters is not 16 hex digits: scan again", name, len(s))
	case name == "DevEUI" && e.IsZero():
		return e, errors.New("its DevEUI is zero: no device has that one")
	}
	return e, nil
}

// extend takes over extensions. letters are those of owner token, serial number and
// proprietary part; an extension without a value is none.
func extend(c *Code, x *Extra, parts []string, letters string) error {
	into := [3]*string{&c.OwnerToken, &c.Serial, &c.Proprietary}
	for _, p := range parts {
		if len(p) < 2 {
			continue
		}
		letter, value := p[0], p[1:]
		i := strings.IndexByte(letters, letter)
		if i < 0 || i > 0 && looksLikeKey(value) {
			if 'A' <= letter && letter <= 'Z' && strings.IndexByte(x.Ignored, letter) < 0 {
				x.Ignored += string(letter)
			}
			continue
		}
		e := extension{letter: letter, name: c.extensions()[i].name, value: value}
		if err := e.check(); err != nil {
			return fmt.Errorf("%s code: %w", x.Form, err)
		}
		if *into[i] != "" {
			return fmt.Errorf("%s code has two of the %s: scan again", x.Form, e.name)
		}
		*into[i] = value
	}
	return nil
}
