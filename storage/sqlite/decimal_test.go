package sqlite

import (
	"math"
	"math/rand/v2"
	"strconv"
	"testing"
)

// TestDecimal holds the short way of reading a number against strconv.
func TestDecimal(t *testing.T) {
	texts := []string{"0", "-0", "1", "-1", "0.1", "-12.75", "999999999999999", "-999999999999.99", "0.0000000000001", "33.333333333333336", "1e+21",
		"1.5e-07", "", "-", ".", "1.", ".5", "1.2.3", "--1", "+1", "NaN", "Inf", "1_0", "0x10", " 1"}
	random := rand.New(rand.NewPCG(1, 1))
	for range 20_000 {
		n := (random.Float64() - 0.5) * math.Pow10(random.IntN(12))
		texts = append(texts, strconv.FormatFloat(n, 'f', random.IntN(9), 64))
	}
	short := 0
	for _, text := range texts {
		got, ok := decimal(text)
		if !ok {
			continue
		}
		short++
		if want, err := strconv.ParseFloat(text, 64); err != nil || math.Float64bits(got) != math.Float64bits(want) {
			t.Errorf("decimal(%q) = %v, strconv says %v, %v", text, got, want, err)
		}
	}
	if short < 10_000 {
		t.Errorf("only %d of %d numbers take the short way", short, len(texts))
	}
}
