package main

import (
	"fmt"
	"math"
	"slices"
)

// spread sums up repeated measurements.
type spread struct {
	Median float64 `json:"median"`
	P25    float64 `json:"p25"`
	P75    float64 `json:"p75"`
	N      int     `json:"n"`
}

func spreadOf(v []float64) *spread {
	if len(v) == 0 {
		return nil
	}
	v = slices.Sorted(slices.Values(v))
	return &spread{quantile(v, 0.5), quantile(v, 0.25), quantile(v, 0.75), len(v)}
}

// quantile interpolates between the two nearest of sorted values.
func quantile(v []float64, q float64) float64 {
	at := q * float64(len(v)-1)
	low := int(math.Floor(at))
	high := min(low+1, len(v)-1)
	return v[low] + (at-float64(low))*(v[high]-v[low])
}

func (s *spread) String() string {
	if s == nil {
		return "–"
	}
	if s.N == 1 {
		return milliseconds(s.Median)
	}
	return fmt.Sprintf("%s (%s–%s)", milliseconds(s.Median), digits(s.P25), digits(s.P75))
}

func milliseconds(v float64) string { return digits(v) + " ms" }

// digits shows three figures.
func digits(v float64) string {
	switch {
	case v >= 100:
		return fmt.Sprintf("%.0f", v)
	case v >= 10:
		return fmt.Sprintf("%.1f", v)
	}
	return fmt.Sprintf("%.2f", v)
}
