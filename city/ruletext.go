package city

import "time"

// RuleText is a rule in German words, for people who do not read rule files. Words begin in
// lower case where they go on after a word of the page.
type RuleText struct {
	ID      string // "bin-full"
	Version string // as Verdict.Version
	Title   string // what is the matter
	Advice  string // what to do; may be empty
	Service string // ticket category
	Kinds   []Kind // of the assets it looks at; empty: of every kind
	Shadow  bool   // it decides and records, and opens nothing

	Over    string // "Gateway": it is about groups of this sort as a whole; "": about single assets
	GroupBy string // "Tour": one case for all assets of a group; "": one for each asset
	Member  string // what is asked of each member, where it is about groups

	Levels      []LevelText // the mildest first
	Facts       []RuleFact  // what else there is to know, like when it looks
	InhibitedBy []string    // rules whose open case keeps this one from opening
	Overrides   []OverrideText
	Maintenance []MaintenanceText
}

// LevelText is one degree of a rule.
type LevelText struct {
	Severity Grade
	Opens    string // "Füllstand mindestens 90 %, an 2 Messungen in Folge, seit mindestens 30 Minuten"
	Closes   string
}

// RuleFact is a thing about a rule and what it is.
type RuleFact struct{ Word, Text string }

// OverrideText is what holds for some assets instead. They stand in the order in which they
// count: where several fit an asset, the first has the last word.
type OverrideText struct {
	Target string // "Anlage PK-0042", "Tour 5"
	Text   string // "öffnet bei 75 %"
}

// MaintenanceText is a time in which the rule opens no case, because people know.
type MaintenanceText struct {
	Targets     []string // as in OverrideText; any of them
	Reason      string
	When        string // within From and Until; "": all the time
	From, Until time.Time
}
