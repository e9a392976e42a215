package sim

import (
	"fmt"
	"os"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"meldefunk/firmware-sim/network"
)

// TestTheDocumentationTellsTheFigures holds docs/simulator.md against what it tells of.
func TestTheDocumentationTellsTheFigures(t *testing.T) {
	page, err := os.ReadFile("../docs/simulator.md")
	if err != nil {
		t.Fatal(err)
	}
	figures := map[string]float64{
		"moodSwing": moodSwing, "moodHolds": moodHolds, "wetHolds": wetHolds, "clearSwing": clearSwing,
		"dullSwing": dullSwing, "niceFrom": niceFrom, "scriptWarm": scriptWarm, "humid": humid,
		"leastWaste": leastWaste, "mostWaste": mostWaste, "niceGreen": niceGreen, "dullGreen": dullGreen,
		"rainGreen": rainGreen, "rainCentre": rainCentre, "market": market, "festival": festival,
		"advent": advent, "match": match, "residue": residue, "firstStop": firstStop, "lastStart": lastStart,
		"perStreet": perStreet, "slowDay": slowDay, "cancelled": cancelled, "passedBy": passedBy,
		"easyShare": easyShare, "bareUse": bareUse, "bagWater": bagWater, "youngDepth": youngDepth,
		"oldDepth": oldDepth, "youngShare": youngShare, "leafHolds": leafHolds, "twigHolds": twigHolds,
		"leafCovers": leafCovers, "twigCovers": twigCovers, "pores": pores, "dryDays": dryDays,
		"dryLimit": dryLimit, "warmthFollow": warmthFollow, "probeNoise": probeNoise,
		"cellCapacity": cellCapacity, "sendCurrent": sendCurrent, "listenCurrent": listenCurrent,
		"measureCharge": measureCharge, "sleepCurrent": sleepCurrent, "selfDischarge": selfDischarge,
		"oldestCell": oldestCell, "knee": knee, "coldDroop": coldDroop,
	}
	told := regexp.MustCompile("(?m)^\\| `(\\w+)` \\| ([0-9.]+) \\|").FindAllStringSubmatch(string(page), -1)
	if len(told) != len(figures) {
		t.Errorf("%d figures on the page, want %d", len(told), len(figures))
	}
	for _, row := range told {
		number, err := strconv.ParseFloat(row[2], 64)
		if figure, known := figures[row[1]]; err != nil || !known || figure != number {
			t.Errorf("the page says %s is %s, it is %v", row[1], row[2], figure)
		}
	}
	for month, c := range climates {
		row := fmt.Sprintf(" | %.2f | %.2f | %.2f | %.1f |\n", c.mean, c.rain, c.wetDays, c.swing)
		if !strings.Contains(string(page), row) {
			t.Errorf("month %d: no row%s", month+1, row)
		}
	}
	for _, told := range []string{
		fmt.Sprintf("queues %d measurements", buffered),
		fmt.Sprintf("within %.0f minutes, measures first %.0f to %.0f seconds after", DefaultConfig().Devices.BootWithin.Minutes(), firstAfter.Seconds(), firstWithin.Seconds()),
		fmt.Sprintf("%d %% sooner or later", 100/jitterShare),
		fmt.Sprintf("waits %d ms for further gateways", network.CollectFor.Milliseconds()),
	} {
		if !strings.Contains(string(page), told) {
			t.Errorf("the page does not say that it %s", told)
		}
	}
	for _, kind := range faultKinds() {
		if !strings.Contains(string(page), "`"+string(kind)+"`") {
			t.Errorf("the page says nothing of %s", kind)
		}
	}
	for _, kind := range episodeKinds {
		if !strings.Contains(string(page), "`"+string(kind)+"`") {
			t.Errorf("the page says nothing of %s", kind)
		}
	}
}

// TestTheDocumentedExamplesWork reads the YAML and the manifest of docs/simulator.md.
func TestTheDocumentedExamplesWork(t *testing.T) {
	page, err := os.ReadFile("../docs/simulator.md")
	if err != nil {
		t.Fatal(err)
	}
	var examples Config
	defaults := false
	for _, block := range regexp.MustCompile("(?ms)^```yaml\n(.*?)^```$").FindAllStringSubmatch(string(page), -1) {
		d := yaml.NewDecoder(strings.NewReader(block[1]))
		d.KnownFields(true)
		var part Config
		if err := d.Decode(&part); err != nil {
			t.Errorf("%v in\n%s", err, block[1])
		}
		switch {
		case part.Bins > 0:
			part.Faults = nil // told as an empty list
			if !reflect.DeepEqual(part, DefaultConfig()) {
				t.Errorf("the page says the default is %+v, it is %+v", part, DefaultConfig())
			}
			defaults = true
		case part.Faults != nil:
			examples.Faults = part.Faults
		default:
			examples.Weather = part.Weather
		}
	}
	if !defaults || examples.Weather.DryDays == 0 || len(examples.Faults) < 5 {
		t.Errorf("the examples are %+v", examples)
	}
	if err := examples.Weather.Validate(); err != nil {
		t.Error(err)
	}
	for _, f := range examples.Faults {
		if err := f.Validate(); err != nil {
			t.Error(err)
		}
	}
	lines := regexp.MustCompile(`(?m)^    (\{.*\})$`).FindAllStringSubmatch(string(page), -1)
	var text strings.Builder
	for _, line := range lines {
		text.WriteString(line[1] + "\n")
	}
	truth, err := ReadManifest(strings.NewReader(text.String()))
	if err != nil || len(truth.Uplinks) != 1 || len(truth.Episodes) != 1 {
		t.Fatalf("%+v, %v", truth, err)
	}
	if got := write(t, truth); got != text.String() {
		t.Errorf("written again:\n%s", got)
	}
}
