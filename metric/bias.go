package metric

import "orrery.dev"

// GroupBias says how scores treat the rows of a group, such as texts that mention
// one identity, beside all other rows, the background. The three areas are those
// of Borkan et al., "Nuanced Metrics for Measuring Unintended Bias with Real Data
// for Text Classification" (WWW 2019); none depends on a threshold. Each is null
// where its rows are all positive or all negative.
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
}

// BiasOf measures the bias of scores for each group. Of groups, group g holds the
// rows i for which within(i, g). A row can be in several groups, or in none.
//
// An error of kind Invalid with the code metric_input says when the set is not
// well formed.
func BiasOf(s Set, groups []string, within func(row, group int) bool) ([]GroupBias, error) {
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
		for _, area := range []struct {
			value *(*float64)
			takes func(inside, positive bool) bool
		}{
			{&b.SubgroupAUC, func(inside, _ bool) bool { return inside }},
			{&b.BPSN, func(inside, positive bool) bool { return inside != positive }},
			{&b.BNSP, func(inside, positive bool) bool { return inside == positive }},
		} {
			var err error
			if *area.value, err = s.areaOf(func(i int) bool { return area.takes(inside[i], s.Label[i] == 1) }); err != nil {
				return nil, err
			}
		}
		out[g] = b
	}
	return out, nil
}

// areaOf gives the AUC over some rows, or nil where it has none.
func (s Set) areaOf(takes func(row int) bool) (*float64, error) {
	var part Set
	for i := range s.Label {
		if !takes(i) {
			continue
		}
		part.Label, part.Score = append(part.Label, s.Label[i]), append(part.Score, s.Score[i])
		part.Weight = append(part.Weight, s.weight(i))
	}
	if len(part.Label) == 0 {
		return nil, nil
	}
	switch area, err := AUC(part); {
	case err == nil:
		return &area, nil
	case orrery.CodeOf(err) == "metric_one_class":
		return nil, nil
	default:
		return nil, err
	}
}
