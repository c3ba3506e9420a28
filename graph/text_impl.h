/* graph/text_impl.h - what the writer and the reader of the text form agree on. */
#ifndef TEXT_IMPL_H
#define TEXT_IMPL_H

#define TEXT_HEADER "clnas-graph 1"

#endif
