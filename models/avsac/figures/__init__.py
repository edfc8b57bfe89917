"""Figures of the paper: what the decoder attends to (Fig. 5), what each modality contributes (Fig. 1)."""
