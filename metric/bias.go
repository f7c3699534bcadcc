package metric

import (
	"fmt"
	"strings"

	"orrery.dev"
)

// GroupBias says how scores treat the rows of a group, such as texts that mention
// one identity, beside all other rows, the background. The three areas are those
// of Borkan et al., "Nuanced Metrics for Measuring Unintended Bias with Real Data
// for Text Classification" (WWW 2019); none depends on a threshold. Each is null
// where too few of its rows are positive or negative.
type GroupBias struct {
	Group string `json:"group"`
	// Rows counts the group's, Positives those of them that are positive.
	Rows      int `json:"rows"`
	Positives int `json:"positives"`
	// SubgroupAUC is the AUC over the group's rows alone: a low one says that
	// positives and negatives are confused within the group.
	SubgroupAUC *float64 `json:"subgroup_auc"`
	// BPSN is the AUC over the background's positives and the group's negatives: a
	// low one says that the group's negatives score too high, so that harmless texts
	// which mention it are taken for positive.
	BPSN *float64 `json:"bpsn_auc"`
	// BNSP is the AUC over the background's negatives and the group's positives: a low
	// one says that the group's positives score too low, so that they are missed.
	BNSP *float64 `json:"bnsp_auc"`
	// Why says of the areas that are null what they lack.
	Why string `json:"why,omitempty"`
}

// BiasOf measures the bias of scores for each group. Of groups, group g holds the
// rows i for which within(i, g). A row can be in several groups, or in none. An area
// is measured where at least so many rows of it are positive, and as many negative;
// 1 asks for no more than that it is defined.
//
// An error of kind Invalid with the code metric_input says when the set is not
// well formed.
func BiasOf(s Set, groups []string, least int, within func(row, group int) bool) ([]GroupBias, error) {
	if err := s.check(); err != nil {
		return nil, err
	}
	out := make([]GroupBias, len(groups))
	for g, name := range groups {
		b := GroupBias{Group: name}
		inside := make([]bool, len(s.Label))
		for i := range inside {
			if inside[i] = within(i, g); inside[i] {
				b.Rows++
				b.Positives += int(s.Label[i])
			}
		}
		var lacks []string
		for _, area := range []struct {
			name  string
			value *(*float64)
			takes func(inside, positive bool) bool
		}{
			{"subgroup AUC", &b.SubgroupAUC, func(inside, _ bool) bool { return inside }},
			{"BPSN", &b.BPSN, func(inside, positive bool) bool { return inside != positive }},
			{"BNSP", &b.BNSP, func(inside, positive bool) bool { return inside == positive }},
		} {
			var err error
			var lack string
			if *area.value, lack, err = s.areaOf(least, func(i int) bool { return area.takes(inside[i], s.Label[i] == 1) }); err != nil {
				return nil, err
			}
			if lack != "" {
				lacks = append(lacks, area.name+" over "+lack)
			}
		}
		b.Why = strings.Join(lacks, ", ")
		out[g] = b
	}
	return out, nil
}

// areaOf gives the AUC over some rows, or says of how few it would be.
func (s Set) areaOf(least int, takes func(row int) bool) (area *float64, lack string, err error) {
	var part Set
	positives := 0
	for i := range s.Label {
		if !takes(i) {
			continue
		}
		part.Label, part.Score = append(part.Label, s.Label[i]), append(part.Score, s.Score[i])
		part.Weight = append(part.Weight, s.weight(i))
		positives += int(s.Label[i])
	}
	if negatives := len(part.Label) - positives; min(positives, negatives) < max(least, 1) {
		return nil, fmt.Sprintf("%d positive and %d negative", positives, negatives), nil
	}
	switch x, err := AUC(part); {
	case err == nil:
		return &x, "", nil
	case orrery.CodeOf(err) == "metric_one_class":
		return nil, "rows without weight", nil
	default:
		return nil, "", err
	}
}
