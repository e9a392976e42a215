package register

import (
	"time"

	"meldefunk/city"
)

// Why says why a change of what hangs where is refused.
type Why string

// The reasons.
const (
	UnknownDevice Why = "unknown_device" // DevEUI is not in the register
	FiledDevice   Why = "filed_device"   // DevEUI stands in the inventory files
	KnownDevice   Why = "known_device"   // DevEUI is in the register already
	UnknownAsset  Why = "unknown_asset"  // nobody has described Asset
	NoAsset       Why = "no_asset"       // DevEUI is to be State, and nobody says where
	NeedlessAsset Why = "needless_asset" // of State, DevEUI hangs nowhere, and Asset is named
	HangsAlready  Why = "hangs_already"  // DevEUI hangs on Asset since Since
	HangsThere    Why = "hangs_there"    // likewise, and Asset is the one that was asked for
	HangsNowhere  Why = "hangs_nowhere"  // DevEUI is State
	SameDevice    Why = "same_device"    // DevEUI is to replace itself
	UnknownState  Why = "unknown_state"  // State does not exist, or not here
	SameState     Why = "same_state"     // DevEUI is State already
	StillToCome   Why = "still_to_come"  // At is in the future
	TooEarly      Why = "too_early"      // until or since Since DevEUI hung on Asset, and At is before
	Taken         Why = "taken"          // Other hangs on Asset since Since
	TakenByFile   Why = "taken_by_file"  // Other hangs on Asset by the inventory files
	WrongKind     Why = "wrong_kind"     // Model is for assets of Kinds, and Asset is of Kind
	Contradiction Why = "contradiction"  // the inventory would not be sound; Text says why
	WrongField    Why = "wrong_field"    // Field is not as it must be; Text says why
	Overtaken     Why = "overtaken"      // somebody else has changed it meanwhile
)

// Refusal is a change that is not made, with what somebody needs who says so in another
// language. What is not told about is zero.
type Refusal struct {
	Why    Why
	DevEUI city.EUI
	Other  city.EUI // is in the way
	Asset  string
	State  State
	Since  time.Time // of what is in the way
	At     time.Time // that was asked for
	Model  string
	Kind   city.Kind
	Kinds  []city.Kind
	Field  string // column of a sheet, like "empty_mm"
	Text   string // all of it, in English
}

// Error gives Text.
func (r *Refusal) Error() string { return r.Text }
